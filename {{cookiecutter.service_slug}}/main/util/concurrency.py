"""Concurrency: map a function over items, on threads for I/O or on processes for the CPU.

The four maps differ in where they work and in what they return:

    thread_map(function, items)               results in the order of the items
    thread_map_unordered(function, items)     pairs (item, result) as each is done
    process_map, process_map_unordered        the same on processes: all must be picklable

All take `timeout`, the seconds for everything together, which never outlasts the deadline that
the caller has; `return_exceptions`, to get errors in the place of results where otherwise the
first error is raised and the rest cancelled; `limit`, how many items may be in work or waiting
at a time, so that a long generator is read only as fast as it is worked off; and `executor`, any
`concurrent.futures.Executor`, to do the same work elsewhere.

On threads, a map within a map does its work itself, one item after the other: waiting for the
same threads could be for ever.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextvars import copy_context
from itertools import islice
from math import isinf
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, TypedDict, TypeVar, Unpack

from main.util import deadline, lanes
from main.util.lanes import Lane

T = TypeVar("T")
R = TypeVar("R")

LIMIT = 64


class Options(TypedDict, total=False):
    """What all four maps take; see the module's own words."""

    timeout: float | None
    return_exceptions: bool
    limit: int
    executor: Executor | None


def thread_map(
    function: Callable[[T], R], items: Iterable[T], **options: Unpack[Options]
) -> list[R]:
    """Call the function with each item on threads; return the results in order.

    Context variables, such as the request id, are those of the caller. Raises `TimeoutError`
    when not everything is done in time.
    """
    return _in_order(lanes.threads, function, items, **options)


def thread_map_unordered(
    function: Callable[[T], R], items: Iterable[T], **options: Unpack[Options]
) -> Iterator[tuple[T, R]]:
    """Like `thread_map`, but yield each item with its result as soon as it is done."""
    return _as_done(lanes.threads, function, items, **options)


def process_map(
    function: Callable[[T], R], items: Iterable[T], **options: Unpack[Options]
) -> list[R]:
    """Call the function with each item on processes; return the results in order.

    The function must stand in a module by its name; it, the items and the results must be
    picklable. Of the context, the request id and the deadline go along. What was under way when
    a process died is tried once more. Raises `TimeoutError` when not everything is done in time,
    `PicklingError` for what cannot cross over, `BrokenExecutor` when the second try also ended
    with a dead process.
    """
    return _in_order(lanes.processes, function, items, **options)


def process_map_unordered(
    function: Callable[[T], R], items: Iterable[T], **options: Unpack[Options]
) -> Iterator[tuple[T, R]]:
    """Like `process_map`, but yield each item with its result as soon as it is done."""
    return _as_done(lanes.processes, function, items, **options)


def _in_order(
    lane: Callable[[Executor | None], Lane],
    function: Callable[[T], R],
    items: Iterable[T],
    **options: Unpack[Options],
) -> list[R]:
    results: list[Any] = []
    for index, _, result in _work(lane, function, items, **options):
        results.extend([None] * (index + 1 - len(results)))
        results[index] = result
    return results


def _as_done(
    lane: Callable[[Executor | None], Lane],
    function: Callable[[T], R],
    items: Iterable[T],
    **options: Unpack[Options],
) -> Iterator[tuple[T, R]]:
    for _, item, result in _work(lane, function, items, **options):
        yield item, result


def _work(
    choose: Callable[[Executor | None], Lane],
    function: Callable[[T], R],
    items: Iterable[T],
    timeout: float | None = None,
    return_exceptions: bool = False,
    limit: int = LIMIT,
    executor: Executor | None = None,
) -> Iterator[tuple[int, T, Any]]:
    """Yield index, item and result, as each is done."""
    if limit < 1:
        raise ValueError(f"limit must be 1 or more, not {limit}")
    lane = choose(executor)
    context = copy_context()
    if timeout is not None:
        context.run(deadline.shorten, timeout)
    seconds = context.run(deadline.remaining)
    end = monotonic() + seconds
    finished: SimpleQueue[Future[R]] = SimpleQueue()
    running: dict[Future[R], tuple[int, T, int]] = {}

    def begin(index: int, item: T, attempt: int) -> None:
        future = lane.submit(context, function, item)
        running[future] = index, item, attempt
        future.add_done_callback(finished.put)

    source = enumerate(items)
    try:
        while True:
            for index, item in islice(source, (lane.limit or limit) - len(running)):
                begin(index, item, 1)
            if not running:
                return
            try:
                future = finished.get(timeout=None if isinf(end) else max(0.0, end - monotonic()))
            except Empty:
                break
            index, item, attempt = running.pop(future)
            result: Any
            try:
                result = lane.result(future)
            except Exception as error:
                if attempt == 1 and isinstance(error, lane.passing):
                    begin(index, item, 2)
                    continue
                if not return_exceptions:
                    raise
                result = error
            yield index, item, result
        late = TimeoutError(f"not done within {round(seconds, 2):g} seconds")
        if not return_exceptions:
            raise late
        for index, item in [*((index, item) for index, item, _ in running.values()), *source]:
            yield index, item, late
    finally:
        for future in running:
            future.cancel()
