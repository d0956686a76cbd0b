"""The entry point stops on a signal at any time and leaves nothing behind."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.project import patched_copy, replace_once
from harness.requirements import require
from harness.stack import Stack
from harness.waiting import TIMEOUT, wait_until

DRAINED = {"message": "graceful shutdown triggered..."}
ENDED = {"message": "goodbye to uWSGI."}
MASTER = "master = true\n"
LAZY_APPS = {MASTER: f"{MASTER}lazy-apps = true\n"}
IMPORT_SYS = "import sys\n"
SLOW_WORKER = """\
import sys
import time

import uwsgi

time.sleep({} * (uwsgi.worker_id() == 2))
"""
SHELLS = [
    "dash",
    *(pytest.param(shell, marks=pytest.mark.full) for shell in ("bash", "busybox ash")),
]
# How many lines the stack has logged when it gets TERM.
LOGGED_LINES = [16, *(pytest.param(lines, marks=pytest.mark.full) for lines in (8, 24, 32))]


@pytest.fixture
def default_sigint() -> Iterator[None]:
    """Handle SIGINT: a background job ignores it, and its children would inherit that."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.mark.usefixtures("default_sigint")
@pytest.mark.parametrize("shell", SHELLS)
def test_ctrl_c_stops_the_stack_gracefully(project: Path, shell: str) -> None:
    """A terminal sends SIGINT to the whole process group."""
    require(shell.split()[0])
    with Stack(project, interpreter=shell) as stack:
        assert stack.get("/v1/hello").status == 200
        os.killpg(stack.process.pid, signal.SIGINT)
        assert stack.process.wait(TIMEOUT) == 0
        assert stack.pids() == []
        assert stack.lines(**DRAINED)


@pytest.mark.parametrize("lines", LOGGED_LINES)
def test_term_during_the_start_stops_the_stack(project: Path, lines: int) -> None:
    """The exit status is 0 although not all processes run yet."""
    with Stack(project, ready="") as stack:
        wait_until(lambda: stack.log.path.read_bytes().count(b"\n") >= lines)
        assert stack.stop() == 0
        assert stack.pids() == []


def test_term_right_after_the_start_leaves_no_process(project: Path) -> None:
    """The shell may not have installed its handlers, so any exit status is allowed."""
    with Stack(project, ready="") as stack:
        stack.stop()
        assert stack.pids() == []


def test_term_during_a_reload_stops_the_stack(project: Path) -> None:
    """While uWSGI reloads, it does not read commands."""
    with Stack(project) as stack:
        # uWSGI prints this line after the reload, before it imports the application.
        started = b"Operational MODE"
        (stack.run_dir / "uwsgi.fifo").write_text("r")
        wait_until(lambda: stack.log.path.read_bytes().count(started) == 2)
        assert stack.stop() == 0
        assert stack.pids() == []
        assert len(stack.lines(**DRAINED)) == 1


@pytest.mark.parametrize(
    ("seconds", "graceful"), [(2, True), pytest.param(90, False, marks=pytest.mark.full)]
)
def test_term_while_a_worker_starts_stops_the_stack(
    project: Path, tmp_path: Path, seconds: int, graceful: bool
) -> None:
    """A worker ignores uWSGI's request to end until it has imported the application."""
    slow = patched_copy(project, tmp_path / "service", "deploy/uwsgi.ini", LAZY_APPS)
    replace_once(slow / "main" / "wsgi.py", {IMPORT_SYS: SLOW_WORKER.format(seconds)})
    with Stack(slow) as stack:
        assert stack.stop() == 0
        assert stack.pids() == []
        assert bool(stack.lines(**ENDED)) == graceful


def test_a_temporary_run_dir_is_removed(project: Path, tmp_path: Path) -> None:
    """Without RUN_DIR the entry point makes a folder for itself."""
    with Stack(project, RUN_DIR="", TMPDIR=str(tmp_path)) as stack:
        assert len(list(tmp_path.iterdir())) == 1
        assert stack.stop() == 0
        assert list(tmp_path.iterdir()) == []
