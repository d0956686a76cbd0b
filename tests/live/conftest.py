"""Fixtures for tests that call a running stack."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from harness.environment import install
from harness.fakes.upstream import FaultyUpstream, GatedUpstream
from harness.project import ROOT, Bake, bake
from harness.requirements import require

CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
POOLS_APP = ROOT / "harness" / "apps" / "pools_app.py"


@pytest.fixture(scope="session")
def project(installed: Bake) -> Path:
    """Bake and install the default service; tests must not change it."""
    return installed()


@pytest.fixture(scope="session")
def pools_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bake and install a service that runs harness/apps/pools_app.py."""
    service = install(bake(tmp_path_factory.mktemp("pools")))
    shutil.copy(POOLS_APP, service / "main" / "wsgi.py")
    return service


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    """Run calls on up to 64 threads."""
    with ThreadPoolExecutor(64) as running:
        yield running


@pytest.fixture
def gated_upstream() -> Iterator[GatedUpstream]:
    """Run an upstream that answers when the test opens its gate."""
    with GatedUpstream() as running:
        yield running


@pytest.fixture
def faulty_upstream() -> Iterator[FaultyUpstream]:
    """Run an upstream that misbehaves as the path of the request says."""
    with FaultyUpstream() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a headless Chromium that makes no requests of its own."""
    with sync_playwright() as playwright:
        path = require("chromium")
        running = playwright.chromium.launch(executable_path=path, args=CHROMIUM_OPTIONS)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Page:
    """Open a page."""
    return browser.new_page()
