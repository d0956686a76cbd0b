"""Start processes that never outlive the test run."""

import ctypes
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1

# The kernel sends the signal when the *thread* that forked ends, so one thread forks for all.
_launcher = ThreadPoolExecutor(1)


def start(
    command: Sequence[str],
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    stdout: IO[bytes] | int = subprocess.DEVNULL,
    new_session: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a command, stderr joined to stdout.

    On Linux it gets TERM when this process ends, even if this process is killed.
    """

    def launch() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            start_new_session=new_session,
            preexec_fn=_terminate_with_parent,
        )

    return _launcher.submit(launch).result()


def _terminate_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
