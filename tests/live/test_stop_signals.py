"""The entry point stops on a signal at any time and leaves nothing behind."""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.fakes.upstream import GatedUpstream
from harness.project import patched_copy, replace_once
from harness.stack import Stack
from harness.waiting import TIMEOUT, wait_until

DRAINED = "graceful shutdown triggered..."
ENDED = "goodbye to uWSGI."
MASTER = "master = true\n"
LAZY_APPS = {MASTER: f"{MASTER}lazy-apps = true\n"}
IMPORT_SYS = "import sys\n"
SLOW_WORKER = """\
import sys
import tempfile
import time

import uwsgi

time.sleep(90 * (uwsgi.worker_id() == 2))
"""
# Files of RUN_DIR, in the order in which the stack creates them.
START_UP = ["metrics", "www", "nginx.conf", "nginx.pid", "uwsgi.sock", "uwsgi.started"]


@pytest.fixture
def default_sigint() -> Iterator[None]:
    """Handle SIGINT: a background job ignores it, and its children would inherit that."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.mark.usefixtures("default_sigint")
def test_ctrl_c_stops_the_stack_gracefully(project: Path) -> None:
    """A terminal sends SIGINT to the whole process group."""
    with Stack(project) as stack:
        assert stack.get("/v1/hello").status == 200
        os.killpg(stack.process.pid, signal.SIGINT)
        assert stack.process.wait(TIMEOUT) == 0
        assert stack.pids() == []
        assert DRAINED in stack.log.text()


@pytest.mark.parametrize("file", START_UP)
def test_term_during_the_start_stops_the_stack(project: Path, file: str) -> None:
    """The exit status is 0 although not all processes run yet."""
    with Stack(project, ready="") as stack:
        wait_until(lambda: (stack.run_dir / file).exists())
        assert stack.stop() == 0
        assert stack.pids() == []
        assert stack.lines(level="ERROR") == []


@pytest.mark.parametrize("milliseconds", [0, 5, 10, 20, 30, 40, 50, 100])
def test_term_right_after_the_start_stops_the_stack(project: Path, milliseconds: int) -> None:
    """Until Python runs the entry point, the system ends it; the image makes that status 0, too."""
    with Stack(project, ready="") as stack:
        time.sleep(milliseconds / 1000)
        assert stack.stop() in (0, -signal.SIGTERM)
        assert stack.pids() == []


def test_a_second_term_changes_nothing(
    project: Path, gated_upstream: GatedUpstream, executor: ThreadPoolExecutor
) -> None:
    """A request in flight is still answered, and the exit status is 0."""
    with Stack(project, APP_UPSTREAM_URLS=gated_upstream.url) as stack:
        slow = executor.submit(stack.get, "/v1/pages")
        wait_until(lambda: gated_upstream.requests)
        for _ in range(3):
            stack.process.terminate()
            time.sleep(0.1)
        assert stack.process.poll() is None
        gated_upstream.gate.set()
        assert slow.result().status == 200
        assert stack.process.wait(TIMEOUT) == 0
        assert stack.pids() == []


@pytest.mark.parametrize("stopped", ["nginx", "uwsgi", "workers"])
def test_processes_that_were_stopped_by_a_signal_are_continued(project: Path, stopped: str) -> None:
    """TERM finds a program that SIGSTOP has suspended, and stops it gracefully."""
    with Stack(project) as stack:
        pids = {"nginx": [stack.nginx()], "uwsgi": [stack.uwsgi()], "workers": stack.workers()}
        stack.kill(signal.SIGSTOP, pids[stopped])
        assert stack.stop() == 0
        assert stack.pids() == []
        assert ENDED in stack.log.text()


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal of a parent is Linux's")
def test_nothing_survives_a_killed_supervisor(project: Path) -> None:
    """The kernel sends nginx and uWSGI a signal, and they stop with their workers."""
    with Stack(project) as stack:
        stack.post("/v1/primes", {"numbers": [97]})
        stack.process.kill()
        stack.process.wait()
        wait_until(lambda: stack.pids() == [])


def test_term_during_a_reload_stops_the_stack(project: Path) -> None:
    """While uWSGI reloads, it does not read commands."""
    with Stack(project) as stack:
        # uWSGI prints this after the reload, before it imports the application.
        started = b"Starting uWSGI"
        (stack.run_dir / "uwsgi.fifo").write_text("r")
        wait_until(lambda: stack.log.path.read_bytes().count(started) == 2)
        assert stack.stop() == 0
        assert stack.pids() == []
        assert stack.log.text().count(DRAINED) == 1


def test_term_while_a_worker_starts_stops_the_stack(project: Path, tmp_path: Path) -> None:
    """A worker that imports the application ignores uWSGI's request to end, and is killed."""
    slow = patched_copy(project, tmp_path / "service", "deploy/uwsgi.ini", LAZY_APPS)
    replace_once(slow / "main" / "wsgi.py", {IMPORT_SYS: SLOW_WORKER})
    with Stack(slow) as stack:
        assert stack.stop() == 0
        assert stack.pids() == []


@pytest.mark.parametrize("milliseconds", [0, 20, 100, 300])
def test_term_right_after_a_worker_was_killed_stops_the_stack(
    project: Path, milliseconds: int
) -> None:
    """As after a harakiri, a new worker is starting that misses uWSGI's request to end."""
    with Stack(project) as stack:
        stack.kill(signal.SIGKILL, stack.workers()[:1])
        time.sleep(milliseconds / 1000)
        assert stack.stop() == 0
        assert stack.pids() == []


def test_a_temporary_run_dir_is_removed(project: Path) -> None:
    """Without RUN_DIR the entry point makes a folder for itself."""
    # The path of a socket has a limit, and pytest's folders are long.
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(project, RUN_DIR="", TMPDIR=folder) as stack,
    ):
        assert len(os.listdir(folder)) == 1
        assert stack.stop() == 0
        assert os.listdir(folder) == []
