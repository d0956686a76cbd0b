"""Maps: call a function with each item, with a limited number in flight, until the deadline."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextvars import copy_context
from itertools import chain, islice
from queue import Empty, SimpleQueue
from threading import TIMEOUT_MAX
from time import monotonic
from typing import Any, NamedTuple, TypedDict, TypeVar, Unpack

from main.util.concurrency.pools import Pools, PoolSettings
from main.util.config import current_scope
from main.util.context import deadline

T = TypeVar("T")
R = TypeVar("R")


class Options(TypedDict, total=False):
    """The options of all maps."""

    # Seconds for all items together. The deadline of the request may be earlier.
    timeout: float | None
    # Return errors in place of results, instead of raising the first one.
    return_exceptions: bool
    # How many items are in flight at a time. A generator is read no faster than that.
    limit: int
    # Where to run the function, instead of on the worker's own pool: perhaps Dask or Ray.
    executor: Executor | None


class Maps(NamedTuple):
    """The maps of one kind of pool; `capture` returns the context in which a task runs.

    They raise the first error of the function, or `TimeoutError`, and cancel the other tasks.
    """

    pool: Callable[[Pools], Executor | None]
    capture: Callable[[], Any]

    def in_order(
        self, function: Callable[[T], R], items: Iterable[T], **options: Unpack[Options]
    ) -> list[R]:
        """Call the function with each item; return the results in the order of the items."""
        completed = BoundedMap(self, function, **options).run(items)
        results = {position: result for position, _, result in completed}
        return [results[position] for position in range(len(results))]

    def as_completed(
        self, function: Callable[[T], R], items: Iterable[T], **options: Unpack[Options]
    ) -> Iterator[tuple[T, R]]:
        """Call the function with each item; yield each item with its result once completed."""
        completed = BoundedMap(self, function, **options).run(items)
        return ((item, result) for _, item, result in completed)


class BoundedMap:
    """One call of a map: its tasks in flight and its deadline."""

    def __init__(
        self,
        maps: Maps,
        function: Callable[[Any], Any],
        timeout: float | None = None,
        return_exceptions: bool = False,
        limit: int = 64,
        executor: Executor | None = None,
    ) -> None:
        if limit < 1:
            raise ValueError(f"limit must be at least 1; got {limit}")
        self._capture = maps.capture
        self._executor = executor or maps.pool(current_scope().get(Pools, PoolSettings))
        self._function = function
        self._return_exceptions = return_exceptions
        self._limit = limit if self._executor else 1
        with deadline.timeout(TIMEOUT_MAX if timeout is None else timeout):
            self._context = copy_context()
            self._deadline = monotonic() + deadline.remaining()
        self._in_flight: dict[Future[Any], tuple[int, Any]] = {}
        self._done: SimpleQueue[Future[Any]] = SimpleQueue()

    def run(self, items: Iterable[Any]) -> Iterator[tuple[int, Any, Any]]:
        """Yield the position of each item, the item and its result, as completed."""
        tasks = enumerate(items)
        retried = set()
        try:
            for future in self._completed(tasks):
                position, item = self._in_flight.pop(future)
                try:
                    result = future.result()
                except Exception as error:
                    if isinstance(error, BrokenExecutor) and position not in retried:
                        retried.add(position)
                        self._start(position, item)
                        continue
                    if not self._return_exceptions:
                        raise
                    result = error
                yield position, item, result
            late = TimeoutError("not completed before the deadline")
            for position, item in chain(self._in_flight.values(), tasks):
                if not self._return_exceptions:
                    raise late
                yield position, item, late
        finally:
            for future in self._in_flight:
                future.cancel()

    def _completed(self, tasks: Iterator[tuple[int, Any]]) -> Iterator[Future[Any]]:
        """Start tasks up to the limit, and yield what is completed, until the deadline."""
        while monotonic() < self._deadline:
            for position, item in islice(tasks, self._limit - len(self._in_flight)):
                self._start(position, item)
            if not self._in_flight:
                break
            try:
                yield self._done.get(timeout=max(0.0, self._deadline - monotonic()))
            except Empty:
                break

    def _start(self, position: int, item: Any) -> None:
        try:
            # The captured deadline is that of this map.
            run = self._context.run(self._capture).run
            if self._executor:
                future = self._executor.submit(run, self._function, item)
            else:
                future = Future()
                future.set_result(run(self._function, item))
        except Exception as error:
            future = Future()
            future.set_exception(error)
        self._in_flight[future] = position, item
        future.add_done_callback(self._done.put)
