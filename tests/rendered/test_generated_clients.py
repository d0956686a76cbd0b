"""Clients that are generated from the OpenAPI document of a running service, and call it."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.environment import run, virtual_environment
from harness.fakes.upstream import FaultyUpstream
from harness.project import BUILD, Bake
from harness.requirements import require
from harness.stack import Stack

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
# What both clients read: typed answers, and a problem as a typed error.
READ = {
    "live": "ok",
    "ready": "ok",
    "message": "Hello, Zoë!",
    "bytes": [12, None],
    "factors": [7, 3],
    "refused": [422, "Unprocessable Entity", ["json"]],
}


@pytest.fixture(scope="module")
def service(installed: Bake) -> Iterator[Stack]:
    """Run the default service, and another one that it fetches pages from."""
    with FaultyUpstream() as peer:
        pages = f"{peer.url}/ok,{peer.url}/forbidden"
        with Stack(installed(), APP_UPSTREAM_URLS=pages) as stack:
            yield stack


@pytest.fixture
def document(service: Stack, tmp_path: Path) -> Path:
    """Return the document as a file."""
    path = tmp_path / "openapi.json"
    path.write_bytes(service.get("/docs/openapi.json").body)
    return path


def node_modules() -> Path:
    """Return a folder with what is locked in tests/typescript; equal locks share one."""
    locks = [HERE / "typescript" / name for name in ("package.json", "package-lock.json")]
    key = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()[:16]
    folder = BUILD / "node" / key
    done = folder / ".installed"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for lock in locks:
            shutil.copy(lock, folder)
        run(folder, require("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        done.touch()
    return folder / "node_modules"


def test_a_python_client_reads_answers_and_problems(
    service: Stack, document: Path, tmp_path: Path
) -> None:
    """It is generated without a warning, and who uses it is checked by its types."""
    binaries = virtual_environment(HERE / "openapi-client.txt") / "bin"
    # The generator puts the client in shape by ruff, which is beside it.
    path = os.pathsep.join((str(binaries), os.environ["PATH"]))
    generate = (str(binaries / "openapi-python-client"), "generate", "--path", str(document))
    options = ("--meta", "none", "--output-path", "service_client", "--fail-on-warning")
    run(tmp_path, *generate, *options, PATH=path)
    shutil.copy(HERE / "client_driver.py", tmp_path)
    python = str(binaries / "python")
    # What the generator itself makes is not all to mypy's taste: its errors are silent.
    check = (require("mypy"), "--strict", "--follow-imports=silent", "--python-executable", python)
    run(tmp_path, *check, "client_driver.py")
    assert json.loads(run(tmp_path, python, "client_driver.py", service.url)) == READ


def test_a_typescript_client_reads_answers_and_problems(
    service: Stack, document: Path, tmp_path: Path
) -> None:
    """It is generated, compiled as strictly as can be, and run."""
    node = require("node")
    modules = node_modules()
    (tmp_path / "node_modules").symlink_to(modules, target_is_directory=True)
    for name in ("package.json", "tsconfig.json", "client_driver.ts"):
        shutil.copy(HERE / "typescript" / name, tmp_path)
    generate = (node, str(modules / "openapi-typescript" / "bin" / "cli.js"))
    run(tmp_path, *generate, str(document), "--output", "service.d.ts")
    run(tmp_path, node, str(modules / "typescript" / "bin" / "tsc"))
    # To Node.js 18 its own fetch is an experiment.
    call = (node, "--no-warnings", "built/client_driver.js", service.url)
    assert json.loads(run(tmp_path, *call)) == READ
