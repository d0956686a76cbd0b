"""Services that share a store do not share entries."""

import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.cache_server import NETWORK_STORES, SERVER_COUNTS, CacheServer
from harness.cache_service import cache_project, running_cache_service
from harness.project import Bake


@pytest.mark.parametrize("store", ["file", *NETWORK_STORES])
def test_entries_belong_to_one_service_and_one_version_of_its_code(
    cache_projects: Bake, tmp_path: Path, store: str
) -> None:
    """A service with another name or other code never reads them; the same code does."""
    project = cache_projects(store)
    other_name = cache_project(tmp_path / "other_name", store, service_slug="other")
    other_code = tmp_path / "other_code"
    shutil.copytree(project, other_code, symlinks=True)
    with (other_code / "main" / "__init__.py").open("a") as file:
        file.write("# Another line.\n")
    with ExitStack() as stack:
        count = SERVER_COUNTS.get(store, 0)
        servers = [stack.enter_context(CacheServer(store)) for _ in range(count)]
        settings = {"UWSGI_PROCESSES": "1"}
        if store == "file":
            settings["APP_CACHE_DIR"] = str(tmp_path / "store")
        services = [
            stack.enter_context(running_cache_service(each, store, servers, **settings))
            for each in (project, other_name, other_code, project)
        ]
        for service in services:
            service.call_cached("with_stale", "shared")
        # The first three also called `echo` before the fork. The last found both values.
        assert [len(service.executions()) for service in services] == [2, 2, 2, 0]
        services[0].perform("clear")
        services[1].call_cached("with_stale", "shared")
        assert [len(service.executions()) for service in services] == [2, 2, 2, 0]
