"""A store keeps as many megabytes as APP_CACHE_SIZE allows, and evicts the rest."""

import re
from pathlib import Path

import pytest

from harness.cache_server import NETWORK_STORES, CacheServer
from harness.cache_service import running_cache_service
from harness.project import Bake

MEGABYTE = 1024**2
SERVER_MEGABYTES = 8
# Characters of the results; each size makes another call.
SIZES = range(50_000, 50_060)


@pytest.mark.parametrize("store", ["file", "memory", "uwsgi"])
def test_the_bytes_of_a_store_are_bounded(cache_projects: Bake, store: str) -> None:
    """Of three times as much as fits, the last results are stored and the first are evicted."""
    settings = {"UWSGI_PROCESSES": "1", "APP_CACHE_SIZE": "1"}
    with running_cache_service(cache_projects(store), store, **settings) as service:

        def executions(sizes: range) -> int:
            before = len(service.executions())
            for size in sizes:
                service.call_cached("large", size)
            return len(service.executions()) - before

        assert executions(SIZES) == len(SIZES)
        if store == "file":
            files = Path(service.variables["APP_CACHE_DIR"]).rglob("*")
            assert sum(path.stat().st_size for path in files if path.is_file()) <= MEGABYTE
        assert executions(SIZES[-2:]) == 0
        assert executions(SIZES[:10]) == 10


def used_bytes(store: str, server: CacheServer) -> int:
    """Return how many bytes the server uses for entries."""
    if store == "redis":
        text, pattern = server.send("INFO memory", b"maxmemory_policy"), r"used_memory:(\d+)"
    else:
        text, pattern = server.send("stats", b"END\r\n"), r"STAT bytes (\d+)"
    (number,) = re.findall(pattern, text)
    return int(number)


@pytest.mark.parametrize("store", NETWORK_STORES)
def test_the_memory_of_a_server_is_bounded(cache_projects: Bake, store: str) -> None:
    """The server evicts entries and refuses none."""
    project = cache_projects(store)
    with (
        CacheServer(store, SERVER_MEGABYTES) as server,
        running_cache_service(project, store, [server], UWSGI_PROCESSES="1") as service,
    ):
        for number in range(60):
            service.call_cached("large", 500_000 + number)
        assert 2e6 < used_bytes(store, server) < SERVER_MEGABYTES * MEGABYTE * 1.1
        before = len(service.executions())
        assert len(service.call_cached("large", 500_059)) == 500_058
        assert len(service.executions()) == before
        assert not service.lines(event="cache.refused")
