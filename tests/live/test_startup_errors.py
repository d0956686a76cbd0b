"""A stack that cannot start ends with status 1 and names the reason."""

import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from harness.environment import process_environment
from harness.project import patched_copy
from harness.stack import Stack, StackType
from harness.waiting import HOST, TIMEOUT

ENTRY_POINT = "deploy/entrypoint.sh"
PROGRAMS = {"sh", "dirname", "python3", "uwsgi", "nginx"}


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("deploy/uwsgi.ini", "processes =", "process =", "unknown config directive: process"),
        ("deploy/uwsgi.ini", "main.wsgi:app", "main.wsgi:nope", "no app loaded"),
        ("deploy/nginx.conf", "gzip on;", "gzipp on;", 'unknown directive "gzipp"'),
    ],
    ids=["uwsgi-option", "application", "nginx-directive"],
)
def test_an_invalid_configuration_file_is_reported(
    stack_type: StackType,
    project: Path,
    tmp_path: Path,
    file: str,
    old: str,
    new: str,
    message: str,
) -> None:
    """The message of nginx or uWSGI is in the log."""
    invalid = patched_copy(project, tmp_path / "service", file, {old: new})
    with stack_type(invalid, ready="") as stack:
        assert stack.process.wait(TIMEOUT) == 1
        assert any(message in line.get("message", "") for line in stack.lines())
        assert stack.pids() == []


def test_an_invalid_setting_of_the_application_is_named(
    stack_type: StackType, project: Path
) -> None:
    """The name of the variable is in the log, and no process is left."""
    with stack_type(project, ready="", APP_LOG_LEVEL="LOUD") as stack:
        assert stack.process.wait(TIMEOUT) == 1
        (line,) = stack.lines(event="start.failed")
        assert line["level"] == "ERROR"
        assert line["errors"][0].startswith("APP_LOG_LEVEL must be one of")
        assert stack.pids() == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "80 80"),
        ("PORT", ""),
        ("OPS_PORT", "eight"),
        ("OPS_PORT", "1; daemon on"),
        ("UWSGI_PROCESSES", "0"),
        ("UWSGI_PROCESSES", "-1"),
        ("UWSGI_THREADS", "2.5"),
        ("DRAIN_DELAY", "11"),
        ("DRAIN_DELAY", "99999999999999999999"),
    ],
)
def test_an_invalid_setting_of_the_stack_is_named(
    stack_type: StackType, project: Path, variable: str, value: str
) -> None:
    """One sentence gives the name and the valid range."""
    with stack_type(project, ready="", **{variable: value}) as stack:
        assert stack.process.wait(TIMEOUT) == 1
        (line,) = stack.log.text().splitlines()
        assert re.fullmatch(rf"{variable} must be an integer from .*\.", line)


def test_a_port_in_use_is_named(project: Path) -> None:
    """One sentence gives the port, and no process is left."""
    with socket.create_server((HOST, 0)) as listener:
        port = str(listener.getsockname()[1])
        with Stack(project, ready="", OPS_PORT=port) as stack:
            assert stack.process.wait(TIMEOUT) == 1
            (line,) = stack.log.text().splitlines()
            assert line == f"Cannot listen on port {port}: Address already in use."
            assert stack.pids() == []


@pytest.mark.parametrize("missing", ["nginx", "uwsgi", "python3"])
def test_a_missing_program_is_named(project: Path, tmp_path: Path, missing: str) -> None:
    """One line on stderr gives the name."""
    changes = {"PATH=$PATH:/usr/sbin": ""}
    service = patched_copy(project, tmp_path / "service", ENTRY_POINT, changes)
    path = process_environment(project)["PATH"]
    for name in PROGRAMS - {missing}:
        found = shutil.which(name, path=path)
        assert found
        (tmp_path / name).symlink_to(found)
    done = subprocess.run(
        [service / ENTRY_POINT],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert missing in line
