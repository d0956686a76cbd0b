"""Fixtures for tests of rendered services."""

from pathlib import Path

import pytest

from harness.upgrades import edited_template


@pytest.fixture(scope="session")
def template_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository of this template with an older version; tests must not change it."""
    return edited_template(tmp_path_factory.mktemp("template"))
