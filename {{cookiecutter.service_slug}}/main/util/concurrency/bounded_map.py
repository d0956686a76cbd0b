"""Bounded map: run tasks with a limited number in flight, until the deadline."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextvars import copy_context
from functools import partial
from itertools import islice
from queue import Empty, SimpleQueue
from threading import TIMEOUT_MAX
from time import monotonic
from typing import Any

from main.util.concurrency.executors import Function, Inline, TaskExecutor
from main.util.context import deadline

# The position of an item, and the result or the error of the function.
Outcome = tuple[int, Any, BaseException | None]


class BoundedMap:
    """Calls a function with each item; `maps.Options` describes the options."""

    def __init__(
        self,
        choose_executor: Callable[[Executor | None], TaskExecutor],
        function: Function,
        timeout: float | None = None,
        return_exceptions: bool = False,
        limit: int = 64,
        executor: Executor | None = None,
    ) -> None:
        if limit < 1:
            raise ValueError(f"limit must be at least 1; got {limit}")
        self._executor = choose_executor(executor)
        self._function = function
        self._return_exceptions = return_exceptions
        self._limit = 1 if isinstance(self._executor, Inline) else limit
        self._context = copy_context()
        if timeout is not None:
            self._context.run(deadline.set_timeout, timeout)
        self._timeout = min(self._context.run(deadline.remaining), TIMEOUT_MAX)
        self._deadline = monotonic() + self._timeout
        self._in_flight: dict[int, tuple[Any, Future[Any]]] = {}
        self._outcomes: SimpleQueue[Outcome] = SimpleQueue()

    def run(self, items: Iterable[Any]) -> Iterator[tuple[int, Any, Any]]:
        """Yield the position of each item, the item and its result, as completed."""
        tasks = enumerate(items)
        retried: set[int] = set()
        try:
            while outcome := self._next_outcome(tasks):
                position, result, error = outcome
                item, _ = self._in_flight.pop(position)
                if error is None:
                    yield position, item, result
                elif isinstance(error, BrokenExecutor) and position not in retried:
                    retried.add(position)
                    self._submit(position, item)
                else:
                    yield position, item, self._raise_or_return(error)
            late = TimeoutError(f"not completed within {self._timeout:.3g} seconds")
            for position, (item, _) in self._in_flight.items():
                yield position, item, self._raise_or_return(late)
            for position, item in tasks:
                yield position, item, self._raise_or_return(late)
        finally:
            for _, future in self._in_flight.values():
                future.cancel()

    def _next_outcome(self, tasks: Iterator[tuple[int, Any]]) -> Outcome | None:
        """Submit tasks up to the limit, and wait for one; return None at the end or deadline."""
        if monotonic() >= self._deadline:
            return None
        for position, item in islice(tasks, self._limit - len(self._in_flight)):
            self._submit(position, item)
        if not self._in_flight:
            return None
        try:
            return self._outcomes.get(timeout=max(0.0, self._deadline - monotonic()))
        except Empty:
            return None

    def _submit(self, position: int, item: Any) -> None:
        report = partial(self._report, position)
        try:
            future = self._context.run(self._executor.submit, self._function, item, report)
        except Exception as error:
            future = Future()
            self._outcomes.put((position, None, error))
        self._in_flight[position] = item, future

    def _report(self, position: int, function: Callable[..., Any], *args: Any) -> None:
        try:
            self._outcomes.put((position, function(*args), None))
        except BaseException as error:
            self._outcomes.put((position, None, error))

    def _raise_or_return(self, error: BaseException) -> BaseException:
        if self._return_exceptions and isinstance(error, Exception):
            return error
        raise error
