"""Timing: `@timed` measures calls and notifies the observers of each one."""

import inspect
import logging
from collections.abc import Callable, Generator
from functools import wraps
from time import perf_counter
from typing import Any, TypeVar, cast
from zlib import crc32

from main.util.config import current_scope
from main.util.context import current_request_id
from main.util.observability.settings import ObservabilitySettings

log = logging.getLogger(__name__)

F = TypeVar("F")


def log_call(name: str, outcome: str, duration: float) -> None:
    """Log a call of a timed function at level DEBUG, if its request is in the sample."""
    if log.isEnabledFor(logging.DEBUG):
        # The id decides, so that all processes agree. Without a request the position is 0.
        position = crc32((current_request_id.get() or "").encode()) / 2**32
        if position < current_scope().settings(ObservabilitySettings).timed_sample:
            fields = {"callable": name, "outcome": outcome, "seconds": round(duration, 6)}
            log.debug("call.timed", extra=fields)


# Called with a timed function's name, the outcome ("ok" or "error") and the duration in seconds.
# create_app() replaces them, so that a second application does not count calls twice.
observers: list[Callable[[str, str, float], Any]] = [log_call]


class Stopwatch:
    """Measures one call of the function with this name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._started = perf_counter()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        duration = perf_counter() - self._started
        # A generator whose consumer stops early has not failed.
        outcome = "ok" if kind is None or kind is GeneratorExit else "error"
        for observe in observers:
            observe(self._name, outcome, duration)


def timed(function: F) -> F:
    """Time every call: one log event, one histogram, one `Server-Timing` entry.

    In pool processes there is only the log event. Below `@cached`, it times computations only.

    Works on functions, methods, class and static methods, coroutine functions, and on generator
    functions, which are timed from the first value to the end. Exceptions pass through and are
    recorded with the outcome "error". Raises `TypeError` for an asynchronous generator function.
    """
    target: Any = function
    if isinstance(target, (classmethod, staticmethod)):
        return cast(F, type(target)(timed(target.__func__)))
    if inspect.isasyncgenfunction(target):
        raise TypeError(f"@timed cannot time an asynchronous generator function: {target!r}")
    name = f"{target.__module__}.{target.__qualname__}"

    # One wrapper for each kind of function, so that `inspect` still recognizes the kind.
    if inspect.iscoroutinefunction(target):

        @wraps(target)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            with Stopwatch(name):
                return await target(*args, **kwargs)

    elif inspect.isgeneratorfunction(target):

        @wraps(target)
        def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            with Stopwatch(name):
                return (yield from target(*args, **kwargs))

    else:

        @wraps(target)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with Stopwatch(name):
                return target(*args, **kwargs)

    return cast(F, wrapper)
