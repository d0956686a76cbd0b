"""An interrupted or killed test run leaves no process and no container behind."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Self

import psutil
import pytest

from harness import process
from harness.containers import engine
from harness.containers.resources import PREFIX, resource_names
from harness.project import ROOT
from harness.waiting import wait_until

pytestmark = pytest.mark.full

TESTS = ROOT / "tests" / "meta" / "blocking_tests.py"
# Seconds. Images may have to be built.
START_TIMEOUT = 180.0
# Seconds. A worker that lost its controller ends after 15 seconds at most.
STOP_TIMEOUT = 60.0
PROGRAMS = {"nginx", "uwsgi", "memcached", "redis-server", "sleep"}


class PytestRun:
    """A context in which pytest runs some of the blocking tests, each in a worker of its own."""

    def __init__(self, *names: str) -> None:
        self.names = names
        # Each process has this folder in its environment or its arguments, or works in it.
        self.folder = Path(tempfile.mkdtemp(prefix="run-"))
        self.log = self.folder / "log"
        self.started: list[psutil.Process] = []

    def __enter__(self) -> Self:
        tests = [f"{TESTS}::test_that_blocks[{name}]" for name in self.names]
        options = ("--numprocesses", str(len(tests)), "-p", "no:cacheprovider")
        with self.log.open("wb") as log:
            self.process = process.start(
                [sys.executable, "-m", "pytest", *options, *tests],
                cwd=ROOT,
                env=self._variables(),
                stdout=log,
                new_session=True,
            )
        try:
            wait_until(self._is_blocked, START_TIMEOUT)
        except BaseException as error:
            error.add_note(self.log.read_text("utf-8"))
            self.__exit__(None, None, None)
            raise
        self.started = self.processes()
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _variables(self) -> dict[str, str]:
        inherited = {
            name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")
        }
        return {**inherited, "TMPDIR": str(self.folder), "BLOCKING_TESTS": str(self.folder)}

    def _is_blocked(self) -> bool:
        assert self.process.poll() is None, "pytest has ended"
        return all((self.folder / name).exists() for name in self.names)

    def processes(self) -> list[psutil.Process]:
        """Return the running processes of the run."""
        return [each for each in psutil.process_iter() if self._started(each)]

    def _started(self, candidate: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error):
            texts = (candidate.cwd(), *candidate.cmdline(), *candidate.environ().values())
            return any(str(self.folder) in text for text in texts)
        return False

    def workers(self) -> list[psutil.Process]:
        """Return the processes that run the tests."""
        return psutil.Process(self.process.pid).children()

    def assert_ends(self) -> None:
        """Assert that pytest ends, and every process that it started."""
        self.process.wait(STOP_TIMEOUT)
        _, alive = psutil.wait_procs(self.started, STOP_TIMEOUT)
        assert alive == []
        assert self.processes() == []

    def resources(self) -> list[str]:
        """Return the names of what the run created in the container engine."""
        kinds = ("pod", "container", "network", "volume", "image")
        prefix = f"{PREFIX}-{self.process.pid}-"
        return [name for kind in kinds for name in resource_names(kind, prefix)]


def press_control_c(run: PytestRun) -> None:
    """Send INT to pytest and its workers, as a terminal does."""
    os.killpg(run.process.pid, signal.SIGINT)


def kill_controller(run: PytestRun) -> None:
    """Kill the process that controls the workers."""
    run.process.kill()


def kill_all(run: PytestRun) -> None:
    """Kill the controller and its workers."""
    for each in (psutil.Process(run.process.pid), *run.workers()):
        each.kill()


@pytest.mark.parametrize("end", [press_control_c, kill_controller, kill_all])
def test_no_process_survives(end: Callable[[PytestRun], None]) -> None:
    """Neither servers nor commands do, even if they are frozen."""
    with PytestRun("@stack", "@servers") as run:
        assert {each.name() for each in run.started} >= PROGRAMS
        end(run)
        run.assert_ends()


def test_control_c_leaves_no_container() -> None:
    """Containers, pods, networks, volumes and images are removed."""
    engine.require_podman()
    with PytestRun("@container", "@compose", "@pod") as run:
        assert len(run.resources()) >= 8
        press_control_c(run)
        run.assert_ends()
        assert run.resources() == []


def test_the_next_run_removes_what_a_killed_run_left() -> None:
    """A killed run has no time to remove its containers."""
    engine.require_podman()
    with PytestRun("@container", "@compose", "@pod") as run:
        kill_all(run)
        run.process.wait()
        subprocess.run(
            [sys.executable, "-m", "pytest", str(TESTS), "--collect-only"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        run.assert_ends()
        assert run.resources() == []
