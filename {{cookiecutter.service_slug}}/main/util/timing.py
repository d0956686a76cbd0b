"""Timing: `@timed` tells how long a call took, to the log, to Prometheus, to the browser."""

import inspect
import logging
import re
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import aclosing
from contextvars import ContextVar
from functools import wraps
from time import perf_counter
from types import TracebackType
from typing import Any, TypeVar, overload

from flask import Flask, Response

from main.util.metrics import CALLS

log = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])

# The current request's entries for its Server-Timing header; None where nobody asked for it.
entries: ContextVar[list[str] | None] = ContextVar("entries", default=None)


@overload
def timed(function: F, /) -> F: ...


@overload
def timed(*, name: str | None = None, threshold: float | None = None) -> Callable[[F], F]: ...


def timed(
    function: F | None = None, /, *, name: str | None = None, threshold: float | None = None
) -> F | Callable[[F], F]:
    """Time every call: one log event, one histogram, one `Server-Timing` entry.

    Works on functions, methods, class and static methods, coroutines, and on generators, which
    are timed from the first value to the end. `name` replaces "module.qualname". A call of
    `threshold` seconds or more is logged as a warning, any other at debug level.
    Exceptions pass through; they count under outcome="error".
    """
    if function is None:
        return lambda later: _timed(later, name, threshold)
    timed_function: F = _timed(function, name, threshold)
    return timed_function


def _timed(function: Any, name: str | None, threshold: float | None) -> Any:
    if isinstance(function, (classmethod, staticmethod)):
        return type(function)(_timed(function.__func__, name, threshold))
    call = _Call(name or f"{function.__module__}.{function.__qualname__}", threshold)

    # One wrapper a kind of function, so that each still is to `inspect` what it was.
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            with _Timer(call):
                return await function(*args, **kwargs)

    elif inspect.isasyncgenfunction(function):

        @wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            with _Timer(call):
                async with aclosing(function(*args, **kwargs)) as values:
                    async for value in values:
                        yield value

    elif inspect.isgeneratorfunction(function):

        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            with _Timer(call):
                return (yield from function(*args, **kwargs))

    else:

        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with _Timer(call):
                return function(*args, **kwargs)

    return wrapper


class _Call:
    """What is known of a timed function before it is called, looked up once."""

    def __init__(self, name: str, threshold: float | None) -> None:
        self.name = name
        self.threshold = float("inf") if threshold is None else threshold
        self.entry = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)  # a token, as HTTP wants it
        self.observers = {
            outcome: CALLS.labels(name, outcome).observe for outcome in ("ok", "error")
        }

    def record(self, outcome: str, duration: float) -> None:
        """Tell all who listen that a call took this long (seconds)."""
        self.observers[outcome](duration)
        level = logging.WARNING if duration >= self.threshold else logging.DEBUG
        if log.isEnabledFor(level):
            fields = {"callable": self.name, "outcome": outcome, "seconds": round(duration, 6)}
            log.log(level, "call.timed", extra=fields)
        listed = entries.get()
        if listed is not None:
            listed.append(f"{self.entry};dur={duration * 1000:.3f}")


class _Timer:
    """The time of one call."""

    __slots__ = ("call", "started")

    def __init__(self, call: _Call) -> None:
        self.call = call

    def __enter__(self) -> None:
        self.started = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        duration = perf_counter() - self.started
        # A generator that its consumer leaves early has not failed.
        failed = kind is not None and kind is not GeneratorExit
        self.call.record("error" if failed else "ok", duration)


def init_app(app: Flask, *, header: bool) -> None:
    """Answer each request with its timed calls in `Server-Timing`, if `header` is true."""
    if not header:
        return

    @app.before_request
    def start() -> None:
        entries.set([])

    @app.after_request
    def answer(response: Response) -> Response:
        listed = entries.get()
        if listed:
            response.headers["Server-Timing"] = ", ".join(listed)
        return response
