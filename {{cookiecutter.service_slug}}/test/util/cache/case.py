"""The base class of tests of cached functions."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

from main.util.cache import create_cache, outcome_observers
from main.util.cache.cache import Cache
from main.util.config import Scope
from test.case import IsolatedCase
from test.store import InMemoryStore

TIMEOUT = 10.0


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class CallRecorder:
    """A function that records its calls, and returns their number or raises `error`."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.error: Exception | None = None

    def __call__(self, *args: Any) -> int:
        self.calls.append(args)
        if self.error is not None:
            raise self.error
        return len(self.calls)


class CacheCase(IsolatedCase):
    """A test with a store, a clock, a function to cache, and the outcomes of cached calls."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.store = InMemoryStore()
        self.work = CallRecorder()
        self.outcomes: list[str] = []
        self.addCleanup(outcome_observers.register, *outcome_observers.callbacks)
        outcome_observers.register(lambda name, outcome: self.outcomes.append(outcome))
        self.start_process()

    def start_process(self) -> None:
        """Give this context a cache of its own for the same store, as in another process."""
        scope = Scope()
        scope.put(create_cache, Cache(self.store, ttl=300, clock=self.clock))
        scope.activate()

    def in_other_process(self, function: Callable[[], Any]) -> Any:
        """Call the function as if in another process."""

        def call() -> Any:
            self.start_process()
            return function()

        return copy_context().run(call)


@contextmanager
def in_background(function: Callable[..., Any], *args: Any) -> Iterator[Future[Any]]:
    """Call the function in another thread, which has ended after the block."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(copy_context().run, function, *args)


def concurrently(function: Callable[[], Any], count: int = 8) -> list[Any]:
    """Call the function in as many threads at the same time; return the results."""
    barrier = threading.Barrier(count)

    def call() -> Any:
        barrier.wait(TIMEOUT)
        return function()

    with ThreadPoolExecutor(count) as pool:
        calls = [pool.submit(copy_context().run, call) for _ in range(count)]
        return [call.result(TIMEOUT) for call in calls]
