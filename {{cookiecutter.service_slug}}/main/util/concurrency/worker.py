"""Worker: what runs in a pool process."""

import logging
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from typing import Any

from main.util.observability import logs


def initialize(level: int) -> None:
    """Prepare a pool process: log from this level on, and exit when the parent process ends."""
    logs.configure(logging.getLevelName(level))
    # stdout is for the lines of the log.
    sys.stdout = sys.stderr
    if sys.platform != "win32":
        # uWSGI's threads block all signals, and child processes inherit that.
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
    # Ctrl-C goes to the whole process group; the parent ends its pool processes itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def run(call: bytes) -> Any:
    """Make a pickled call; return its result or raise its error."""
    fn, args = pickle.loads(call)  # noqa: S301 - only this service pickles calls
    try:
        result = fn(*args)
    except Exception as error:
        dumps(error, f"the error {error!r} of {args[0]!r}")
        raise
    dumps(result, f"the result of {args[0]!r}")
    return result


def dumps(value: object, description: str) -> bytes:
    """Return the pickled value; refuse one that would break the pool when it is unpickled."""
    try:
        data = pickle.dumps(value)
        pickle.loads(data)  # noqa: S301 - it has just been pickled
    except Exception as error:
        advice = "a function must be importable by its name, and values must be picklable"
        raise pickle.PicklingError(f"cannot pickle {description}: {error}; {advice}") from None
    return data


def _exit_with_parent() -> None:
    """Wait for the parent process to end; one that is killed cannot stop its pool processes."""
    parent: Any = multiprocessing.parent_process()
    parent.join()
    os._exit(1)
