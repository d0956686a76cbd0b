"""Clients generated from the OpenAPI document of a running service can call it."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from harness.environment import run, virtual_environment
from harness.fakes.issuer import FakeIssuer
from harness.fakes.upstream import FaultyUpstream
from harness.project import BUILD, CHOICES, ROOT, Bake
from harness.requirements import require
from harness.stack import Stack

pytestmark = pytest.mark.full

PYTHON_APP = ROOT / "harness" / "apps" / "openapi_client.py"
PYTHON_LOCK = ROOT / "requirements" / "openapi-client.txt"
TYPESCRIPT = ROOT / "harness" / "apps" / "typescript"
# Printed by both clients: values of typed responses, and of a problem as a typed error.
SUMMARY = {
    "live": "ok",
    "ready": "ok",
    "message": "Hello, Zoë!",
    "bytes": [12, None],
    "factors": [7, 3],
    "refused": [422, "Unprocessable Content", ["json"]],
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[FakeIssuer]:
    """Run an issuer of access tokens."""
    with FakeIssuer() as running:
        yield running


@pytest.fixture(scope="module", params=CHOICES["auth"])
def service(installed: Bake, issuer: FakeIssuer, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Run a service with two upstream pages, one of which is forbidden."""
    settings = issuer.settings if request.param == "jwt" else {}
    with FaultyUpstream() as upstream:
        urls = f"{upstream.url}/ok,{upstream.url}/forbidden"
        with Stack(installed(auth=request.param), APP_UPSTREAM_URLS=urls, **settings) as stack:
            yield stack


@pytest.fixture
def document(service: Stack, tmp_path: Path) -> str:
    """Return the path of the service's OpenAPI document."""
    path = tmp_path / "openapi.json"
    path.write_bytes(service.get("/docs/openapi.json").body)
    return str(path)


def _node_modules() -> Path:
    """Return a folder with the locked npm packages; equal locks share one."""
    files = [TYPESCRIPT / name for name in ("package.json", "package-lock.json")]
    key = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    folder = BUILD / "node" / key
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / ".installed").exists():
            for file in files:
                shutil.copy(file, folder)
            run(folder, require("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund")
            (folder / ".installed").touch()
    return folder / "node_modules"


def test_a_generated_python_client_reads_responses_and_problems(
    service: Stack, issuer: FakeIssuer, document: str, tmp_path: Path
) -> None:
    """It is generated without a warning, and mypy accepts the code that calls it."""
    binaries = virtual_environment(PYTHON_LOCK) / "bin"
    # The generator formats its output by the ruff that it finds.
    path = os.pathsep.join((str(binaries), os.environ["PATH"]))
    generate = (str(binaries / "openapi-python-client"), "generate", "--path", document)
    options = ("--meta", "none", "--output-path", "service_client", "--fail-on-warning")
    run(tmp_path, *generate, *options, PATH=path)
    shutil.copy(PYTHON_APP, tmp_path)
    python = str(binaries / "python")
    # Errors in the generated code itself are not ours.
    check = (require("mypy"), "--strict", "--follow-imports=silent", "--python-executable", python)
    run(tmp_path, *check, PYTHON_APP.name)
    output = run(tmp_path, python, PYTHON_APP.name, service.url, issuer.token())
    assert json.loads(output) == SUMMARY


def test_a_generated_typescript_client_reads_responses_and_problems(
    service: Stack, issuer: FakeIssuer, document: str, tmp_path: Path
) -> None:
    """The strictest settings of the compiler accept the code that calls it."""
    node = require("node")
    modules = _node_modules()
    (tmp_path / "node_modules").symlink_to(modules, target_is_directory=True)
    for name in ("package.json", "tsconfig.json", "client.ts"):
        shutil.copy(TYPESCRIPT / name, tmp_path)
    generator = str(modules / "openapi-typescript" / "bin" / "cli.js")
    run(tmp_path, node, generator, document, "--output", "service.d.ts")
    run(tmp_path, node, str(modules / "typescript" / "bin" / "tsc"))
    # Node.js 18 warns that its own fetch is experimental.
    program = ("--no-warnings", "built/client.js", service.url, issuer.token())
    output = run(tmp_path, node, *program)
    assert json.loads(output) == SUMMARY
