"""Timing: `@timed` tells how long a call took, to the log, to Prometheus, to the browser."""

import inspect
import logging
import re
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing
from contextvars import ContextVar
from functools import cached_property, wraps
from random import random
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload
from zlib import crc32

import environ

from main.util import config, logs
from main.util.config import flag, setting, share

if TYPE_CHECKING:
    from flask import Flask, Response

log = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])


@environ.config(prefix="APP", frozen=True)
class TimingSettings:
    """Who is told how long calls took."""

    header: bool = setting(
        "APP_SERVER_TIMING",
        "false",
        flag,
        "Tell callers in Server-Timing how long @timed calls took.",
    )
    sample: float = setting(
        "APP_TIMED_SAMPLE",
        "1",
        share,
        "The share of requests, from 0 to 1, whose @timed calls are logged at debug level.",
    )


# The timed call that runs in this context, which is the parent of those that it makes.
_running: ContextVar[str | None] = ContextVar("running", default=None)

# The current request's calls for its Server-Timing header: name, parent, seconds; None where
# nobody asked for it.
_calls: ContextVar[list[tuple[str, str | None, float]] | None] = ContextVar("calls", default=None)


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
    `threshold` seconds or more is logged as a warning, any other at debug level, and then only
    if its request is in the sample. A call that another timed one made has that as its parent.
    Exceptions pass through; they count under outcome="error". In a process of a pool calls are
    logged and not counted, since nobody asks those for their metrics.
    """
    if function is None:
        return lambda later: _timed(later, name, threshold)
    timed_function: F = _timed(function, name, threshold)
    return timed_function


def _timed(function: Any, name: str | None, threshold: float | None) -> Any:
    if isinstance(function, (classmethod, staticmethod)):
        return type(function)(_timed(function.__func__, name, threshold))
    if not inspect.isroutine(function):
        raise TypeError(f"@timed is for functions and methods, not for {function!r}")
    call = _Call(name or f"{function.__module__}.{function.__qualname__}", threshold)

    # One wrapper a kind of function, so that each still is to `inspect` what it was.
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            with _Timer(call):
                return await function(*args, **kwargs)

    elif inspect.isasyncgenfunction(function):

        @wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            with _Timer(call, parent=False):
                async with aclosing(function(*args, **kwargs)) as values:
                    step = values.asend(None)
                    while True:  # what `yield from` does, which there is not in a coroutine
                        try:
                            value = await step
                        except StopAsyncIteration:
                            return
                        try:
                            step = values.asend((yield value))
                        except Exception as error:
                            step = values.athrow(error)

    elif inspect.isgeneratorfunction(function):

        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            with _Timer(call, parent=False):
                return (yield from function(*args, **kwargs))

    else:

        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            # What `_Timer` does, written out: that saves a fifth of the time.
            parent = _running.get()
            _running.set(call.name)
            started = perf_counter()
            try:
                result = function(*args, **kwargs)
            except BaseException:
                _running.set(parent)
                call.record("error", perf_counter() - started, parent)
                raise
            _running.set(parent)
            call.record("ok", perf_counter() - started, parent)
            return result

    return wrapper


class _Call:
    """What is known of a timed function, looked up once."""

    def __init__(self, name: str, threshold: float | None) -> None:
        self.name = name
        self.threshold = float("inf") if threshold is None else threshold

    @cached_property
    def observers(self) -> dict[str, Callable[[float], None]]:
        """Return what counts a duration (seconds), by outcome."""
        # At the first call: a process of a pool that times nothing does without the library.
        from main.util.metrics import CALLS

        return {outcome: CALLS.labels(self.name, outcome).observe for outcome in ("ok", "error")}

    def record(self, outcome: str, duration: float, parent: str | None) -> None:
        """Tell all who listen that a call took this long (seconds)."""
        self.observers[outcome](duration)
        slow = duration >= self.threshold
        level = logging.WARNING if slow else logging.DEBUG
        if log.isEnabledFor(level) and (slow or _sampled()):
            fields = {"callable": self.name, "outcome": outcome, "seconds": round(duration, 6)}
            if parent is not None:
                fields["parent"] = parent
            log.log(level, "call.timed", extra=fields)
        calls = _calls.get()
        if calls is not None:
            calls.append((self.name, parent, duration))


class _Timer:
    """The time of one call."""

    __slots__ = ("call", "outer", "parent", "started")

    def __init__(self, call: _Call, *, parent: bool = True) -> None:
        self.call = call
        # What runs between the values of a generator is its consumer, and no child of it.
        self.parent = parent

    def __enter__(self) -> None:
        self.outer = _running.get()
        if self.parent:
            _running.set(self.call.name)
        self.started = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        duration = perf_counter() - self.started
        if self.parent:
            _running.set(self.outer)
        # A generator that its consumer leaves early has not failed.
        failed = kind is not None and kind is not GeneratorExit
        self.call.record("error" if failed else "ok", duration, self.outer)


_settings: TimingSettings | None = None


def configure(settings: TimingSettings) -> TimingSettings:
    """Set who is told."""
    global _settings
    _settings = settings
    return settings


def current() -> TimingSettings:
    """Return the settings; a process without an application gets what the environment says."""
    return _settings or configure(config.load(TimingSettings))


def _sampled() -> bool:
    """Tell whether this request's calls are logged: all of them or none, in all processes."""
    request_id = logs.request_id.get()
    place = random() if request_id is None else crc32(request_id.encode()) / 2**32
    return place < current().sample


def init_app(app: "Flask", settings: TimingSettings) -> None:
    """Answer each request with its timed calls in `Server-Timing`, if the settings say so."""
    configure(settings)
    if not settings.header:
        return

    @app.before_request
    def start() -> None:
        _calls.set([])

    @app.after_request
    def answer(response: "Response") -> "Response":
        calls = _calls.get()
        if calls:
            response.headers["Server-Timing"] = _entries(calls)
        return response


def _entries(calls: list[tuple[str, str | None, float]]) -> str:
    """Return the header, one entry a function and parent: its length has a bound."""
    together: dict[tuple[str, str | None], list[float]] = {}
    for name, parent, duration in calls:
        together.setdefault((name, parent), []).append(duration)
    return ", ".join(_entry(*key, durations) for key, durations in together.items())


def _entry(name: str, parent: str | None, durations: list[float]) -> str:
    told = _token(name)
    entry = f"{told};dur={sum(durations) * 1000:.3f}"
    path = f"{_token(parent)} > {told}" if parent else told
    if len(durations) > 1:
        path += f", {len(durations)} calls"
    return entry if path == told else f'{entry};desc="{path}"'


def _token(name: str) -> str:
    """Return the name as HTTP wants it."""
    return re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)
