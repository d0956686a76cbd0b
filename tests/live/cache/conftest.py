"""Fixtures for tests of the cache on each real store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cache_service import CacheService, cache_project, running_cache_service
from harness.project import CHOICES, Bake


@pytest.fixture(scope="session", params=CHOICES["cache_backend"])
def store(request: pytest.FixtureRequest) -> str:
    """Run a test once for each store, or for the stores that it names itself."""
    return str(request.param)


@pytest.fixture(scope="session")
def cache_projects(tmp_path_factory: pytest.TempPathFactory) -> Bake:
    """Return a function that makes the project of a store, once; tests must not change it."""
    projects: dict[str, Path] = {}

    def make(store: str) -> Path:
        if store not in projects:
            projects[store] = cache_project(tmp_path_factory.mktemp("cache"), store)
        return projects[store]

    return make


@pytest.fixture(scope="session")
def single_worker(store: str, cache_projects: Bake) -> Iterator[CacheService]:
    """Run a service with one worker."""
    with running_cache_service(cache_projects(store), store, UWSGI_PROCESSES="1") as service:
        yield service


@pytest.fixture(scope="session")
def many_workers(store: str, cache_projects: Bake) -> Iterator[CacheService]:
    """Run a service with eight workers of four threads."""
    workers = {"UWSGI_PROCESSES": "8", "UWSGI_THREADS": "4"}
    with running_cache_service(cache_projects(store), store, **workers) as service:
        yield service
