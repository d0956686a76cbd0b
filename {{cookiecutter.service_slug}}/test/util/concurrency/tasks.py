"""Functions for the maps to call; pool processes import them from here."""

import multiprocessing
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple

from main import settings
from main.util.concurrency import process_map
from main.util.context import current_request_id, deadline

# Seconds. Longer than anything here takes, so that a failure does not hang.
TIMEOUT = 10.0


class Place(NamedTuple):
    """Where and in which context a task runs."""

    thread: str
    process: int
    process_class: str
    request_id: str | None
    remaining: float


def place(_: Any) -> Place:
    process = multiprocessing.current_process()
    return Place(
        threading.current_thread().name,
        os.getpid(),
        type(process).__name__,
        current_request_id.get(),
        deadline.remaining(),
    )


def cache_ttl(_: Any) -> float:
    return settings.current().cache.ttl


def nested_place(_: Any) -> Place:
    return process_map(place, [0])[0]


def kill(_: Any) -> None:
    os.kill(os.getpid(), signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)


def kill_once(marker: Path) -> str:
    if marker.name == "3" and not marker.exists():
        marker.touch()
        kill(None)
    return marker.name


class UnloadableError(Exception):
    """Can be pickled, but not unpickled, as many exceptions."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def make_lock(_: Any) -> Any:
    return threading.Lock()


def return_unloadable(_: Any) -> Any:
    return UnloadableError("a", "b")


def raise_unloadable(_: Any) -> None:
    raise UnloadableError("a", "b")
