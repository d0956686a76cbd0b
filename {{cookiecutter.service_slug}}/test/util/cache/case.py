"""The base class of tests of cached functions."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any
from unittest import mock

from main.util.cache import cached, create_cache
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


class Work:
    """A function that records its calls, and returns their number or raises `error`.

    While `may_end` is not set, calls wait for it.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.error: Exception | None = None
        self.has_begun = threading.Event()
        self.may_end = threading.Event()
        self.may_end.set()

    def __call__(self, *args: Any) -> int:
        self.calls.append(args)
        number = len(self.calls)
        self.has_begun.set()
        self.may_end.wait(TIMEOUT)
        if self.error is not None:
            raise self.error
        return number


class CacheCase(IsolatedCase):
    """A test with a store, a clock, a cached function, and the outcomes of its calls."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.store = InMemoryStore()
        self.work = work = Work()
        self.addCleanup(work.may_end.set)
        self.outcomes: list[str] = []
        observers = [lambda name, outcome: self.outcomes.append(outcome)]
        patch = mock.patch("main.util.cache.cache.outcome_observers", observers)
        patch.start()
        self.addCleanup(patch.stop)
        self.start_process()

        @cached(ttl=10, stale_for=20)
        def compute(number: int = 0) -> int:
            return work(number)

        self.compute = compute

    def start_process(self) -> None:
        """Give this context a cache of its own for the same store, as in another process."""
        scope = Scope()
        scope.put(create_cache, Cache(self.store, ttl=300, clock=self.clock))
        scope.activate()

    def in_other_process(self, function: Callable[[], Any]) -> Any:
        """Call the function as if in another process."""
        context = copy_context()
        context.run(self.start_process)
        return context.run(function)

    @contextmanager
    def in_background(self, function: Callable[..., Any], *args: Any) -> Iterator[Future[Any]]:
        """Call the function in another thread; its work ends after the block, or when it may."""
        self.work.has_begun.clear()
        self.work.may_end.clear()
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(copy_context().run, function, *args)
            self.assertTrue(self.work.has_begun.wait(TIMEOUT))
            yield call
            self.work.may_end.set()
