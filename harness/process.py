"""Start processes that never outlive the test run."""

import contextlib
import ctypes
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import psutil

PR_SET_PDEATHSIG = 1
# Seconds. Must stay below the ten that pytest-xdist gives its workers after an interruption.
GRACE = 5.0

# The kernel sends the signal when the *thread* that forked ends, so one thread forks for all.
_launcher = ThreadPoolExecutor(1)


def start(
    command: Sequence[str],
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    stdout: IO[bytes] | int = subprocess.DEVNULL,
    stderr: int = subprocess.STDOUT,
    new_session: bool = False,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a command; by default its stderr is joined to `stdout`.

    On Linux it gets `death_signal` when this process ends, even if this process is killed.
    """

    def prepare() -> None:
        # A process that runs in the background may ignore INT, and its children inherit that.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)

    def launch() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=new_session,
            preexec_fn=prepare,
        )

    return _launcher.submit(launch).result()


def run(
    command: Sequence[str],
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    stderr: int = subprocess.STDOUT,
    timeout: float = 600,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; return its status and its output.

    After `timeout` seconds, or when this process is interrupted, the command is stopped.
    """
    started = start(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=stderr)
    try:
        output, errors = started.communicate(timeout=timeout)
    except BaseException:
        stop(started)
        raise
    return subprocess.CompletedProcess(
        command, started.returncode, output.decode(), (errors or b"").decode()
    )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Send TERM to a process; kill what is left of it and its descendants after GRACE seconds."""
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(process.pid)
        tree = [root, *root.children(recursive=True)]
        root.terminate()
        _, alive = psutil.wait_procs(tree, GRACE)
        for each in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
    process.wait()
