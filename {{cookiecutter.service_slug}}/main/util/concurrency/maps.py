"""Maps: call a function with each item, on threads for I/O or on processes for the CPU."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from typing import Any, TypedDict, TypeVar, Unpack

from main.util.concurrency.bounded_map import BoundedMap
from main.util.concurrency.executors import for_processes, for_threads

T = TypeVar("T")
R = TypeVar("R")


class Options(TypedDict, total=False):
    """The options of all maps."""

    # Seconds for all items together, after which the caller stops waiting. The deadline of the
    # request may be earlier. A function that has started is not stopped.
    timeout: float | None
    # Return errors in place of results, instead of raising the first one.
    return_exceptions: bool
    # How many items are in flight at a time. A generator is read no faster than that.
    limit: int
    # Where to run the function, instead of on the worker's own pool.
    executor: Executor | None


def thread_map(
    function: Callable[[T], R], items: Iterable[T], **options: Unpack[Options]
) -> list[R]:
    """Call the function with each item on threads; return the results in order.

    The function sees the context variables of the caller, such as the request id. A `thread_map`
    within a `thread_map` runs its items one after the other.

    Raises the first error of the function, and cancels the rest. Raises `TimeoutError`.
    """
    return _in_order(BoundedMap(for_threads, function, **options).run(items))


def thread_map_unordered(
    function: Callable[[T], R], items: Iterable[T], **options: Unpack[Options]
) -> Iterator[tuple[T, R]]:
    """Like `thread_map`, but yield each item with its result as soon as it is completed."""
    completed = BoundedMap(for_threads, function, **options).run(items)
    return ((item, result) for _, item, result in completed)


def process_map(
    function: Callable[[T], R], items: Iterable[T], **options: Unpack[Options]
) -> list[R]:
    """Call the function with each item on pool processes; return the results in order.

    The function must be importable by its name, and items and results must be picklable. It sees
    the request id and the deadline of the caller. It should be idempotent, because a task that is
    lost when a process dies is retried once. `executor` may also be one of Dask or Ray.

    Raises the first error of the function, and cancels the rest. Raises `TimeoutError`;
    `PicklingError`, which names what cannot be pickled; `BrokenExecutor` if a task is lost twice.
    """
    return _in_order(BoundedMap(for_processes, function, **options).run(items))


def process_map_unordered(
    function: Callable[[T], R], items: Iterable[T], **options: Unpack[Options]
) -> Iterator[tuple[T, R]]:
    """Like `process_map`, but yield each item with its result as soon as it is completed."""
    completed = BoundedMap(for_processes, function, **options).run(items)
    return ((item, result) for _, item, result in completed)


def _in_order(completed: Iterator[tuple[int, Any, Any]]) -> list[Any]:
    results = {position: result for position, _, result in completed}
    return [results[position] for position in range(len(results))]
