"""A store keeps as much as APP_CACHE_SIZE allows, and evicts what was used least recently."""

import re
from pathlib import Path

import pytest

from harness.cache_server import NETWORK_STORES, CacheServer
from harness.cache_service import running_cache_service
from harness.project import Bake

ENTRIES = 64
MEGABYTES = 8


@pytest.mark.parametrize("store", ["file", "memory", "uwsgi"])
def test_the_number_of_entries_is_bounded(cache_projects: Bake, store: str) -> None:
    """Of three times as many calls, the last are stored and the first are evicted."""
    settings = {"UWSGI_PROCESSES": "1", "APP_CACHE_SIZE": str(ENTRIES)}
    with running_cache_service(cache_projects(store), store, **settings) as service:

        def value(number: int) -> object:
            return service.call_cached("without_expiry", number)

        first = [value(number) for number in range(3 * ENTRIES)]
        before = len(service.executions())
        assert [value(number) for number in (191, 190)] == [first[191], first[190]]
        assert all(value(number) != first[number] for number in range(20))
        assert len(service.executions()) == before + 20
        if store == "file":
            folder = Path(service.variables["APP_CACHE_DIR"])
            assert len(list(folder.rglob("*@*"))) <= ENTRIES


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
        CacheServer(store, MEGABYTES) as server,
        running_cache_service(project, store, [server], UWSGI_PROCESSES="1") as service,
    ):
        for number in range(60):
            service.call_cached("large", 500_000 + number)
        assert 2e6 < used_bytes(store, server) < MEGABYTES * 1024**2 * 1.1
        before = len(service.executions())
        assert len(service.call_cached("large", 500_059)) == 500_058
        assert len(service.executions()) == before
        assert not service.lines(event="cache.refused")
