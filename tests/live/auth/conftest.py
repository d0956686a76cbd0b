"""Fixtures: an issuer, and a service that trusts it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import auth_service
from harness.auth_service import AuthService
from harness.fakes.issuer import FakeIssuer


@pytest.fixture(scope="session")
def auth_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a project whose keys age quickly; tests must not change it."""
    return auth_service.auth_project(tmp_path_factory.mktemp("auth"))


@pytest.fixture(scope="session")
def issuer() -> Iterator[FakeIssuer]:
    """Run an issuer for all tests, which must not change it."""
    with FakeIssuer() as running:
        yield running


@pytest.fixture(scope="session")
def service(auth_project: Path, issuer: FakeIssuer) -> Iterator[AuthService]:
    """Run a service for tests that do not stop it."""
    with AuthService(auth_project, issuer) as running:
        yield running


@pytest.fixture
def own_issuer() -> Iterator[FakeIssuer]:
    """Run an issuer for one test, which may change it."""
    with FakeIssuer() as running:
        yield running
