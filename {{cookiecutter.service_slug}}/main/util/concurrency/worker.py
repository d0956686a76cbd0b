"""Worker: what runs in a pool process."""

import logging
import multiprocessing
import os
import signal
import sys
import threading
from typing import Any

from main.util.concurrency.pickling import dumps, loads, qualified_name
from main.util.context import PropagatedContext
from main.util.observability import logs


def initialize(level: int) -> None:
    """Prepare a pool process: log from this level on, and exit when the parent process ends."""
    logs.configure(logging.getLevelName(level))
    if sys.platform != "win32":
        # uWSGI's threads block all signals, and child processes inherit that.
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
    # Ctrl-C goes to the whole process group; the parent ends its pool processes itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def run_pickled_task(context: PropagatedContext, function_data: bytes, item_data: bytes) -> Any:
    """Call the function with the item; return its result or raise its error.

    Both are pickled on trial: the whole pool would break if its owner could not unpickle them.
    """
    function = loads(function_data, "a function")
    name = qualified_name(function)
    item = loads(item_data, f"the argument of {name}")
    try:
        result = context.run(function, item)
    except Exception as error:
        _check(error, f"the error of {name}, {error!r},")
        raise
    _check(result, f"the result of {name}")
    return result


def _check(value: object, description: str) -> None:
    loads(dumps(value, description), description)


def _exit_with_parent() -> None:
    """Wait for the parent process to end; one that is killed cannot stop its pool processes."""
    parent: Any = multiprocessing.parent_process()
    parent.join()
    os._exit(1)
