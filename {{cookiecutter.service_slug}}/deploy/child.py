"""A child process in a process group of its own."""

import ctypes
import os
import signal
import subprocess
import sys
from contextlib import suppress

from deploy.stack_settings import Settings

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PR_SET_PDEATHSIG = 1


class Child:
    """A program and its workers.

    `ready_file` is in RUN_DIR when the program serves requests. The program gets `death_signal`
    when the supervisor is killed. `text` is what it has printed and what is not logged yet.
    """

    name: str
    ready_file: str
    death_signal: signal.Signals

    def __init__(self, run_dir: str, stdout: int, settings: Settings) -> None:
        self.run_dir = run_dir
        self.stdout = stdout
        self.settings = settings
        self.text = b""

    def run(self, command: list[str], folder: str, **variables: str) -> None:
        """Run a command in a folder, with additional environment variables."""
        self.remove_ready_file()
        self.stderr, writer = os.pipe()
        self.process = subprocess.Popen(  # noqa: S603 - the command is ours
            command,
            cwd=folder,
            # One clock for all log lines.
            env={**os.environ, "TZ": "UTC0", **variables},
            stdin=subprocess.DEVNULL,
            stdout=self.stdout,
            stderr=writer,
            # Ctrl-C reaches only the supervisor, and what a dead master leaves behind is found.
            process_group=0,
            preexec_fn=self._die_with_parent if sys.platform == "linux" else None,
        )
        os.close(writer)

    def _die_with_parent(self) -> None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, self.death_signal)

    def is_ready(self) -> bool:
        return os.path.exists(f"{self.run_dir}/{self.ready_file}")

    def remove_ready_file(self) -> None:
        """Remove the file that an earlier run, or a killed program, has left behind."""
        with suppress(FileNotFoundError):
            os.unlink(f"{self.run_dir}/{self.ready_file}")

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the program and its workers."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
