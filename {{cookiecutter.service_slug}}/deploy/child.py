"""A child process in a process group of its own."""

import contextlib
import os
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(death_signal: int) -> None:
    """Let the kernel send this process a signal when its parent is killed."""
    if sys.platform == "linux":
        import ctypes  # Only here, to save the supervisor's memory.

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)


class Child:
    """A program in a process group of its own. `errors` is the reading end of its stderr.

    `ready_file` exists in RUN_DIR while the program is ready. `death_signal` stops the program
    and its workers if this process is killed.
    """

    name: str
    ready_file: str
    death_signal: signal.Signals

    def __init__(self, run_dir: str) -> None:
        self.run_dir = run_dir

    def start(self, command: list[str], folder: str, environ: dict[str, str]) -> None:
        """Start the program."""
        self.errors, writer = os.pipe()
        self.process = subprocess.Popen(  # noqa: S603 - nothing in it comes from outside
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stderr=writer,
            # Ctrl-C reaches only this process, and what a killed master leaves behind is found.
            process_group=0,
            preexec_fn=lambda: die_with_parent(self.death_signal),
        )
        os.close(writer)

    def path(self, name: str) -> str:
        """Return the path of a file in RUN_DIR."""
        return os.path.join(self.run_dir, name)

    def is_ready(self) -> bool:
        """Return whether the program serves requests."""
        return os.path.exists(self.path(self.ready_file))

    def has_ended(self) -> bool:
        """Return whether the program has ended."""
        return self.process.poll() is not None

    def wait(self, seconds: float) -> None:
        """Wait until the program has ended, at most for some seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(seconds, 0))

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to each process of the group, if one is left."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """Kill the processes of the group that are left."""
        self.signal_group(signal.SIGKILL)
        self.wait(1)

    def end(self) -> str:
        """Return how the program ended."""
        code = self.process.returncode
        return f"with status {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
