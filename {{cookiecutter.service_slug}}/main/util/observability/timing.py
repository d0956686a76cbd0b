"""Timing: `@timed` measures calls and notifies the observers of each one."""

import inspect
from collections.abc import Callable, Generator
from functools import wraps
from time import perf_counter
from types import TracebackType
from typing import Any, TypeVar

from main.util.observability.call_log import log_call
from main.util.observability.observers import Observers

F = TypeVar("F", bound=Callable[..., Any])

# Called with a timed function's name, the outcome ("ok" or "error") and the duration in seconds.
observers: Observers[[str, str, float]] = Observers(log_call)


class Stopwatch:
    """Measures one call of the function with this name."""

    __slots__ = ("_name", "_started")

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._started = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        duration = perf_counter() - self._started
        # A generator whose consumer stops early has not failed.
        outcome = "ok" if kind is None or kind is GeneratorExit else "error"
        for observe in observers.callbacks:
            observe(self._name, outcome, duration)


def timed(function: F) -> F:
    """Time every call: one log event, one histogram, one `Server-Timing` entry.

    Works on functions, methods, class and static methods, coroutine functions, and on generator
    functions, which are timed from the first value to the end. Exceptions pass through and are
    recorded with the outcome "error".
    """
    result: F = _decorate(function)
    return result


def _decorate(function: Any) -> Any:
    if isinstance(function, (classmethod, staticmethod)):
        return type(function)(_decorate(function.__func__))
    if not inspect.isroutine(function) or inspect.isasyncgenfunction(function):
        raise TypeError(
            "@timed must decorate a function, a coroutine function or a generator function; "
            f"got {function!r}"
        )
    name = f"{function.__module__}.{function.__qualname__}"

    # One wrapper for each kind of function, so that `inspect` still recognizes the kind.
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            with Stopwatch(name):
                return await function(*args, **kwargs)

    elif inspect.isgeneratorfunction(function):

        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            with Stopwatch(name):
                return (yield from function(*args, **kwargs))

    else:

        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with Stopwatch(name):
                return function(*args, **kwargs)

    return wrapper
