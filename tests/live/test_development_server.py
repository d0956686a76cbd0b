"""`make run` logs for people on a terminal and JSON elsewhere, and serves static files."""

import contextlib
import json
import os
import pty
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from harness import process
from harness.environment import process_environment, run
from harness.http import ServiceClient
from harness.waiting import HOST, wait_until

COLOUR = b"\x1b["


@contextlib.contextmanager
def development_server(project: Path, output: BinaryIO | int) -> Iterator[ServiceClient]:
    """Run Flask's server as `make run` does, with this output."""
    client = ServiceClient()
    command = ["flask", "--app", "main.wsgi", "run", "--port", str(client.port)]
    started = process.start(command, cwd=project, env=process_environment(project), stdout=output)
    try:
        wait_until(client.is_ready)
        yield client
    finally:
        process.stop(started)


def log_of(project: Path, output: BinaryIO | int) -> None:
    """Run the server until it has refused a request."""
    with development_server(project, output) as client:
        assert client.get("/v1/hello?unknown=1").status == 422


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Open a terminal; yield the descriptors of its screen and of the program."""
    screen, program = pty.openpty()
    yield screen, program
    os.close(screen)
    os.close(program)


def test_lines_on_a_terminal_are_coloured_text(project: Path, terminal: tuple[int, int]) -> None:
    """The event and its fields are readable."""
    screen, program = terminal
    log_of(project, program)
    os.set_blocking(screen, False)
    text = os.read(screen, 1 << 16)
    (line,) = [line for line in text.splitlines() if b"request.refused" in line]
    assert COLOUR in line
    assert line.rstrip().endswith(b"request.refused status=422")


def run_server(project: Path, port: int, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Flask's server, which ends because of an error."""
    command = ["flask", "--app", "main.wsgi", "run", "--port", str(port)]
    return process.run(command, cwd=project, env=process_environment(project, **variables))


def test_an_invalid_setting_ends_the_server(project: Path) -> None:
    """One line names the variable, the allowed values and the remedy, without a traceback."""
    done = run_server(project, 0, APP_LOG_LEVEL="LOUD")
    (line,) = done.stdout.splitlines()
    assert done.returncode != 0
    (error,) = json.loads(line)["errors"]
    assert error.startswith("APP_LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR; got 'LOUD'.")


def test_a_port_in_use_is_named(project: Path) -> None:
    """Flask prints the remedy; FLASK_RUN_PORT is in `make help`."""
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
        done = run_server(project, port)
    assert done.returncode != 0
    assert f"Port {port} is in use by another program." in done.stdout
    assert "FLASK_RUN_PORT" in run(project, "make", "help")


def test_lines_in_a_file_are_json_without_colours(project: Path, tmp_path: Path) -> None:
    """Flask's own server writes escape sequences, which are removed."""
    path = tmp_path / "log"
    with path.open("wb") as file:
        log_of(project, file)
    data = path.read_bytes()
    lines = [json.loads(line) for line in data.splitlines() if line.startswith(b"{")]
    assert "request.refused" in {line["event"] for line in lines}
    assert COLOUR not in data
    assert b"u001b" not in data


def test_static_files_are_served(project: Path, tmp_path: Path) -> None:
    """At the path at which nginx serves them in production."""
    service = tmp_path / "service"
    shutil.copytree(project, service, symlinks=True)
    folder = service / "main" / "resources" / "static"
    folder.mkdir()
    (folder / "style.css").write_text("body { color: navy }", "utf-8")
    with (tmp_path / "log").open("wb") as log, development_server(service, log) as client:
        response = client.get("/static/style.css")
        assert response.status == 200
        assert response.body == b"body { color: navy }"
        assert client.get("/static/missing.css").status == 404
