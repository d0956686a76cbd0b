"""Projects that several tests look at, baked once."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import bakery
from tests.container import Container
from tests.stack import Stack

Baker = Callable[..., Path]
Serving = type[Stack]


@pytest.fixture(scope="session")
def baked(tmp_path_factory: pytest.TempPathFactory) -> Baker:
    """Return a function that bakes like `bakery.bake`, equal answers once only.

    What it returns is shared: tests read it.
    """
    projects: dict[tuple[tuple[str, str], ...], Path] = {}

    def bake(**answers: str) -> Path:
        key = tuple(sorted(answers.items()))
        if key not in projects:
            projects[key] = bakery.bake(tmp_path_factory.mktemp("baked"), **answers)
        return projects[key]

    return bake


@pytest.fixture(scope="session")
def installed(baked: Baker, tmp_path_factory: pytest.TempPathFactory) -> Baker:
    """Return a function like `baked` whose projects also have their environment."""
    projects: dict[tuple[tuple[str, str], ...], Path] = {}

    def bake(**answers: str) -> Path:
        key = tuple(sorted(answers.items()))
        if key not in projects:
            project = bakery.bake(tmp_path_factory.mktemp("installed"), **answers)
            projects[key] = bakery.install(project)
        return projects[key]

    return bake


@pytest.fixture(scope="session", params=[Stack, Container], ids=["machine", "image"])
def serving(request: pytest.FixtureRequest) -> Serving:
    """Return a way to run a service: its entry point on this machine, or its image."""
    way: Serving = request.param
    return way


@pytest.fixture(scope="session")
def stack(serving: Serving, installed: Baker) -> Iterator[Stack]:
    """Run the default service for the tests that do not stop it."""
    with serving(installed(), APP_HELLO_MAX_AGE="1") as running:
        yield running


@pytest.fixture(scope="session")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bake a service with the driver of pools and calls in it."""
    project = bakery.install(bakery.bake(tmp_path_factory.mktemp("worker")))
    shutil.copy(Path(__file__).with_name("work_driver.py"), project / "main" / "wsgi.py")
    return project
