"""Run a rendered service's whole stack on free ports of this machine."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import psutil

from harness import process
from harness.environment import process_environment
from harness.http import ServiceClient
from harness.log import LogReader
from harness.waiting import TIMEOUT, wait_until


def entry_point(project: Path) -> list[str]:
    """Return the command that runs a project's stack, as `make serve` does."""
    return [str(project / ".venv/bin/python"), "-I", str(project / "deploy" / "entrypoint.py")]


class Stack(ServiceClient):
    """A context in which a project's entry point runs and is ready to answer.

    `arguments` are the entry point's and `variables` its environment. `ready` is the path that
    answers 200 after the start; "" does not wait.
    """

    def __init__(
        self,
        project: Path,
        *arguments: str,
        ready: str = "/readyz",
        **variables: str,
    ) -> None:
        super().__init__()
        self.project = project
        self.command = [*entry_point(project), *arguments]
        self.ready = ready
        # A descriptor that gets the log instead of the file that `log` reads.
        self.output: int | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="stack-"))
        self.run_dir = Path(variables.get("RUN_DIR", self.folder / "run"))
        self.log = LogReader(self.folder / "log")
        self.worker_count = int(variables.get("UWSGI_PROCESSES", "2"))
        self.settings = {
            "PORT": str(self.port),
            "OPS_PORT": str(self.ops_port),
            "RUN_DIR": str(self.run_dir),
            **variables,
        }
        self.variables = process_environment(project, **self.settings)

    def __enter__(self) -> Self:
        with self.log.path.open("wb") as log:
            # The session identifies every process that the stack starts.
            self.process = process.start(
                self.command,
                cwd="/",
                env=self.variables,
                stdout=log if self.output is None else self.output,
                new_session=True,
            )
        try:
            if self.ready:
                wait_until(self._is_up)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(TIMEOUT)
        self.kill(signal.SIGKILL, self.pids())
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _is_up(self) -> bool:
        assert self.process.poll() is None, self.log.text()
        return self.is_ready(self.ready)

    def stop(self) -> int:
        """Send TERM; return the exit status."""
        self.process.terminate()
        return self.process.wait(TIMEOUT)

    def kill(self, number: int, pids: Iterable[int]) -> None:
        """Send a signal to processes of the stack."""
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def processes(self) -> list[psutil.Process]:
        """Return the running processes of the stack, the entry point included."""
        found = []
        for each in psutil.process_iter(["status"]):
            with contextlib.suppress(ProcessLookupError):
                same_session = os.getsid(each.pid) == self.process.pid
                if same_session and each.info["status"] != psutil.STATUS_ZOMBIE:
                    found.append(each)
        return found

    def pids(self) -> list[int]:
        """Return the ids of the running processes."""
        return [each.pid for each in self.processes()]

    def nginx(self) -> int:
        """Return the process id of nginx's master."""
        return int((self.run_dir / "nginx.pid").read_text())

    def uwsgi(self) -> int:
        """Return the process id of uWSGI's master."""
        pattern = r"spawned uWSGI master process \(pid: (\d+)\)"
        return self.log.wait_for_numbers(pattern, 1)[-1]

    def workers(self) -> list[int]:
        """Return the process ids of all workers that uWSGI started, dead ones included."""
        pattern = r"pawned uWSGI worker \d+ \((?:new )?pid: (\d+)"
        return self.log.wait_for_numbers(pattern, self.worker_count)

    def lines(self, **fields: object) -> list[dict[str, Any]]:
        """Return the log lines with these fields."""
        return self.log.lines(**fields)


StackType = type[Stack]
