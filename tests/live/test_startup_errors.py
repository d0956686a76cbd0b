"""A stack that cannot start ends with an error status and names the reason."""

import re
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from harness.project import patched_copy, replace_once
from harness.stack import Stack, StackType
from harness.waiting import HOST, TIMEOUT

MAX_LINES_BEFORE = 5
# Replaces the first import of main/wsgi.py.
RAISES_AT_IMPORT = """
try:
    raise ValueError("first")
except ValueError:
    raise RuntimeError("second")
"""


def only_error(stack: Stack) -> dict[str, Any]:
    """Return the last line of the log; no other is an error, and there are only a few."""
    *others, last = stack.lines()
    assert last["event"] == "stack.failed"
    assert last["level"] == "ERROR"
    assert {line["level"] for line in others} <= {"INFO"}
    assert len(others) <= MAX_LINES_BEFORE
    return last


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
    """The last line of the log is the only error, with the message of nginx or uWSGI."""
    invalid = patched_copy(project, tmp_path / "service", file, {old: new})
    with stack_type(invalid, ready="") as stack:
        assert stack.process.wait(TIMEOUT) == 1
        assert message in only_error(stack)["message"]
        assert stack.pids() == []


def test_an_application_that_cannot_be_imported_is_one_error(
    stack_type: StackType, project: Path, tmp_path: Path
) -> None:
    """The last line of the log has the whole traceback, chained exceptions included."""
    changes = {"import sys\n": RAISES_AT_IMPORT}
    broken = patched_copy(project, tmp_path / "service", "main/wsgi.py", changes)
    with stack_type(broken, ready="") as stack:
        assert stack.process.wait(TIMEOUT) == 1
        line = only_error(stack)
        assert line["message"].startswith("uwsgi ended unexpectedly, with status 22.\nTraceback ")
        assert line["message"].count("Traceback (most recent call last)") == 2
        assert "ValueError: first" in line["message"]
        assert "RuntimeError: second" in line["message"]
        assert stack.pids() == []


def test_an_invalid_setting_of_the_application_is_named(
    stack_type: StackType, project: Path
) -> None:
    """The name of the variable is in the log, and no process is left."""
    with stack_type(project, ready="", APP_LOG_LEVEL="LOUD") as stack:
        assert stack.process.wait(TIMEOUT) == 1
        (line,) = stack.lines(level="ERROR")
        assert line["event"] == "start.failed"
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
    """One sentence gives the name, the valid range and the value."""
    with stack_type(project, ready="", **{variable: value}) as stack:
        assert stack.process.wait(TIMEOUT) == 2
        (line,) = stack.lines()
        assert line["level"] == "ERROR"
        assert line["event"] == "start.failed"
        (sentence,) = line["errors"]
        pattern = rf"{variable} must be an integer from \d+ to \d+; got {re.escape(repr(value))}\."
        assert re.fullmatch(pattern, sentence)


def test_all_invalid_settings_are_reported_at_once(project: Path) -> None:
    """In one line."""
    invalid = {"RUN_DIR": "x" * 99, "PORT": "x", "UWSGI_THREADS": "x", "DRAIN_DELAY": "x"}
    with Stack(project, ready="", **invalid) as stack:
        assert stack.process.wait(TIMEOUT) == 2
        (line,) = stack.lines()
        assert [sentence.split()[0] for sentence in line["errors"]] == list(invalid)


def test_equal_ports_are_refused(project: Path) -> None:
    """One sentence gives both names and the number."""
    with Stack(project, ready="", PORT="9000", OPS_PORT="9000") as stack:
        assert stack.process.wait(TIMEOUT) == 2
        (line,) = stack.lines()
        assert line["errors"] == ["OPS_PORT must differ from PORT; got 9000 for both."]


@pytest.mark.parametrize("path", ["/dev/null/run", f"/tmp/{'x' * 86}"])  # noqa: S108
def test_an_unusable_run_dir_is_named(project: Path, path: str) -> None:
    """One sentence gives the path, and the exit status is 2."""
    with Stack(project, ready="", RUN_DIR=path) as stack:
        assert stack.process.wait(TIMEOUT) == 2
        (line,) = stack.lines()
        (sentence,) = line["errors"]
        assert re.fullmatch(rf"RUN_DIR must .*; got '{path}'.*\.", sentence)


def test_a_port_in_use_is_named(project: Path) -> None:
    """One sentence gives the port, and no process is left."""
    with socket.create_server((HOST, 0)) as listener:
        port = str(listener.getsockname()[1])
        with Stack(project, ready="", OPS_PORT=port) as stack:
            assert stack.process.wait(TIMEOUT) == 2
            (line,) = stack.lines()
            problem = f"Cannot listen on port {port}: Address already in use."
            assert line["errors"] == [f"{problem} Set PORT or OPS_PORT to another."]
            assert stack.pids() == []


@pytest.mark.parametrize("missing", ["nginx", "uwsgi"])
def test_a_missing_program_is_named(project: Path, tmp_path: Path, missing: str) -> None:
    """One sentence gives the name."""
    service = tmp_path / "service"
    shutil.copytree(project, service, ignore=shutil.ignore_patterns(".venv"))
    bin_ = service / ".venv" / "bin"
    bin_.mkdir(parents=True)
    (bin_ / "python").symlink_to(project / ".venv" / "bin" / "python")
    (service / ".venv" / "lib").symlink_to(project / ".venv" / "lib")
    # Otherwise Debian's nginx is found there.
    replace_once(service / "deploy" / "checks.py", {', "/usr/sbin")': ")"})
    (bin_ / ("uwsgi" if missing == "nginx" else "nginx")).symlink_to("/bin/true")
    with Stack(service, ready="", PATH=str(bin_)) as stack:
        assert stack.process.wait(TIMEOUT) == 2
        (line,) = stack.lines()
        (sentence,) = line["errors"]
        assert missing in sentence
