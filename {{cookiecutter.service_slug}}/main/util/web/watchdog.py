"""Watchdog: ends a worker in which a request ignores its deadline, so that it is replaced.

It also samples the load for the metrics, because a counter would make each request slower.
The harakiri of uWSGI has one clock for each worker: each request that ends there resets it.
"""

import logging
import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from time import monotonic, sleep

from main.util.concurrency import Pools, PoolSettings
from main.util.config import current_scope
from main.util.observability.metrics import observe_load

log = logging.getLogger(__name__)

# Seconds. Must exceed REQUEST_TIMEOUT of util.context.deadline, and stay below harakiri in
# deploy/uwsgi.ini.
HANG_TIMEOUT = 18.0

# The start and the id of the request that each thread is serving.
running: dict[int, tuple[float, str]] = {}


def start() -> None:
    """Watch the requests of a process that was forked."""
    running.clear()
    threading.Thread(target=_watch, name="watchdog", daemon=True).start()


def _watch() -> None:
    while not (hanging := find_hanging()):
        # A disk without room for the metrics must not end the watchdog.
        with suppress(OSError):
            pools = current_scope().get(Pools, PoolSettings)
            observe_load(len(running), pools.queued())
        sleep(1)
    for request_id, stack in hanging.items():
        log.error("request.hangs", extra={"request_id": request_id, "stack": stack})
    # Its other requests are lost, as they are with harakiri: a thread cannot be ended.
    os.kill(os.getpid(), signal.SIGKILL)


def find_hanging() -> dict[str, str]:
    """Return the stack of each request that is older than `HANG_TIMEOUT`, by its id."""
    latest = monotonic() - HANG_TIMEOUT
    frames = sys._current_frames()
    return {
        request_id: "".join(traceback.format_stack(frames[thread]))
        for thread, (started, request_id) in running.copy().items()
        if started < latest
    }
