"""Concurrency: map a function over items, on threads for I/O or on processes for the CPU.

The four maps differ in where they work and in what they return:

    thread_map(function, items)               results in the order of the items
    thread_map_unordered(function, items)     pairs (item, result) as each is done
    process_map, process_map_unordered        the same on processes: all must be picklable

All take `timeout`, the seconds for everything together; `return_exceptions`, to get errors in
the place of results where otherwise the first error is raised and the rest cancelled; `limit`,
how many items may be in work or waiting at a time, so that a long generator is read only as
fast as it is worked off; and `executor`, any `concurrent.futures.Executor`, to do the same
work elsewhere.
"""

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from contextvars import ContextVar, copy_context
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, TypedDict, TypeVar, Unpack

from main.util import logs

T = TypeVar("T")
R = TypeVar("R")

THREADS = 16
PROCESSES = os.cpu_count() or 1
LIMIT = 64

_pools: dict[tuple[int, str], Executor] = {}
_pools_lock = threading.Lock()
_inside_pool: ContextVar[bool] = ContextVar("inside_pool", default=False)


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
    return _in_order(_threads, function, items, **options)


def thread_map_unordered(
    function: Callable[[T], R], items: Iterable[T], **options: Unpack[Options]
) -> Iterator[tuple[T, R]]:
    """Like `thread_map`, but yield each item with its result as soon as it is done."""
    return _as_done(_threads, function, items, **options)


def process_map(
    function: Callable[[T], R], items: Iterable[T], **options: Unpack[Options]
) -> list[R]:
    """Call the function with each item on processes; return the results in order.

    The function must stand in a module by its name; it, the items and the results must be
    picklable. Of the context, the request id goes along. Raises `TimeoutError` when not
    everything is done in time.
    """
    return _in_order(_processes, function, items, **options)


def process_map_unordered(
    function: Callable[[T], R], items: Iterable[T], **options: Unpack[Options]
) -> Iterator[tuple[T, R]]:
    """Like `process_map`, but yield each item with its result as soon as it is done."""
    return _as_done(_processes, function, items, **options)


Submit = Callable[[Executor | None, Callable[[T], R], T], "Future[R]"]


def _in_order(
    submit: Submit[T, R],
    function: Callable[[T], R],
    items: Iterable[T],
    **options: Unpack[Options],
) -> list[R]:
    results = {index: result for index, _, result in _work(submit, function, items, **options)}
    return [results[index] for index in range(len(results))]


def _as_done(
    submit: Submit[T, R],
    function: Callable[[T], R],
    items: Iterable[T],
    **options: Unpack[Options],
) -> Iterator[tuple[T, R]]:
    for _, item, result in _work(submit, function, items, **options):
        yield item, result


def _work(
    submit: Submit[T, R],
    function: Callable[[T], R],
    items: Iterable[T],
    timeout: float | None = None,
    return_exceptions: bool = False,
    limit: int = LIMIT,
    executor: Executor | None = None,
) -> Iterator[tuple[int, T, Any]]:
    """Yield index, item and result, as each is done."""
    deadline = None if timeout is None else monotonic() + timeout
    finished: SimpleQueue[Future[R]] = SimpleQueue()
    running: dict[Future[R], tuple[int, T]] = {}
    source = enumerate(items)
    try:
        while True:
            for index, item in islice(source, limit - len(running)):
                future = submit(executor, function, item)
                running[future] = index, item
                future.add_done_callback(finished.put)
            if not running:
                return
            try:
                future = finished.get(timeout=deadline and max(0.0, deadline - monotonic()))
            except Empty:
                break
            error = future.exception()
            if error is not None and not return_exceptions:
                raise error
            yield *running.pop(future), future.result() if error is None else error
        late = TimeoutError(f"not done within {timeout} seconds")
        if not return_exceptions:
            raise late
        for index, item in [*running.values(), *source]:
            yield index, item, late
    finally:
        for future in running:
            future.cancel()


def _threads(executor: Executor | None, function: Callable[[T], R], item: T) -> "Future[R]":
    # Inside a pool's thread, waiting for another thread of the pool could be for ever.
    executor = executor or (_INLINE if _inside_pool.get() else _pool("threads"))
    return executor.submit(copy_context().run, _call_on_thread, function, item)


def _call_on_thread(function: Callable[[T], R], item: T) -> R:
    _inside_pool.set(True)
    return function(item)


def _processes(executor: Executor | None, function: Callable[[T], R], item: T) -> "Future[R]":
    pool = executor or _pool("processes")
    request_id = logs.request_id.get()
    try:
        return pool.submit(_call_in_process, request_id, function, item)
    except BrokenExecutor:
        # One of its processes died during an earlier call, which was told so.
        if pool is executor:
            raise
        return _pool("processes", broken=pool).submit(_call_in_process, request_id, function, item)


def _call_in_process(request_id: str | None, function: Callable[[T], R], item: T) -> R:
    logs.request_id.set(request_id)
    return function(item)


def _pool(kind: str, broken: Executor | None = None) -> Executor:
    """Return this process's pool, made at its first use and in the place of a broken one.

    Made earlier, in uWSGI's master, its threads would not be there after the fork.
    """
    key = os.getpid(), kind
    with _pools_lock:
        if _pools.get(key) in (None, broken):
            _pools[key] = _new_threads() if kind == "threads" else _new_processes()
        return _pools[key]


def _new_threads() -> Executor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="thread_map")


def _new_processes() -> Executor:
    # Always spawn: a fork would copy the locks of this process's threads as they stand.
    context = multiprocessing.get_context("spawn")
    if "uwsgi" in sys.modules:  # there, sys.executable is uWSGI itself
        context.set_executable(str(Path(sys.prefix, "bin", "python3")))
    level = logging.getLevelName(logging.getLogger().level)
    return ProcessPoolExecutor(
        PROCESSES, mp_context=context, initializer=_start_child, initargs=(level,)
    )


def _start_child(level: str) -> None:
    """Prepare a process of the pool: logs like its parent's, and no life after it."""
    logs.configure(level)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A parent that was killed cannot tell its children; they would wait for work for ever.
    multiprocessing.parent_process().join()  # type: ignore[union-attr]
    os._exit(1)


class _Inline(Executor):
    """An executor that does the work at once, in the caller's thread."""

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> "Future[R]":
        future: Future[R] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


_INLINE = _Inline()
