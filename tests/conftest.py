"""Fixtures that several folders share, and the order in which parallel workers run tests."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import project
from harness.containers.container import Container
from harness.containers.resources import remove_resources, start_run
from harness.environment import install
from harness.project import Bake
from harness.scheduling import FileScheduling, priority
from harness.stack import Stack, StackType


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FileScheduling:
    """Keep the tests of a file, or of a cache store, in one worker."""
    return FileScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run slow folders first."""
    items.sort(key=lambda item: priority(item.nodeid))


def pytest_configure(config: pytest.Config) -> None:
    """Name the containers and images of this run and of its workers after this process."""
    if not hasattr(config, "workerinput"):
        start_run()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove containers and images when all workers have ended, also after an interruption."""
    if not hasattr(config, "workerinput"):
        remove_resources()


def _once(make: Callable[..., Path]) -> Bake:
    projects: dict[tuple[tuple[str, str], ...], Path] = {}

    def once(**answers: str) -> Path:
        key = tuple(sorted(answers.items()))
        if key not in projects:
            projects[key] = make(**answers)
        return projects[key]

    return once


@pytest.fixture(scope="session")
def baked(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Bake:
    """Return a function that bakes each set of answers once; tests must not change the result."""
    folder = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        # pytest-xdist's workers share the parent of their folders.
        folder = folder.parent
    return functools.partial(project.bake_once, folder)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Bake:
    """Return a function like `baked` whose projects also have their environment."""
    return _once(
        lambda **answers: install(project.bake(tmp_path_factory.mktemp("installed"), **answers))
    )


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(Stack, id="machine"),
        pytest.param(Container, id="image", marks=pytest.mark.full),
    ],
)
def stack_type(request: pytest.FixtureRequest) -> StackType:
    """Return a way to run a service: its entry point on this machine, or its image."""
    found: StackType = request.param
    return found


@pytest.fixture(scope="session")
def stack(stack_type: StackType, installed: Bake) -> Iterator[Stack]:
    """Run the default service for tests that do not stop it."""
    with stack_type(installed(), APP_HELLO_MAX_AGE="1") as running:
        yield running
