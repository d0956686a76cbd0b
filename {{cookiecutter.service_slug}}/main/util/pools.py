"""Pools: the threads and processes on which the maps of concurrency.py do their work.

Each worker has pools of its own, made when they are first used. The processes are spawned, never
forked, and end with the worker, however that ends.
"""

import logging
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from contextvars import Context, ContextVar, copy_context
from pathlib import Path
from pickle import PicklingError
from typing import Any, NamedTuple

import environ

from main.util import config, deadline, logs
from main.util.config import setting, whole


@environ.config(prefix="APP_POOL", frozen=True)
class PoolSettings:
    """How large the pools are."""

    threads: int = setting(
        "APP_POOL_THREADS", "16", whole(1, 256), "Threads that each worker has for thread_map."
    )
    processes: int = setting(
        "APP_POOL_PROCESSES", "2", whole(1, 64), "Processes that each worker has for process_map."
    )


class Lane(ABC):
    """A way for work to be done."""

    # How many items may be on it at once, where that is not for the caller to say.
    limit: int | None = None
    # What is worth a second try.
    passing: tuple[type[Exception], ...] = ()

    @abstractmethod
    def submit(self, context: Context, function: Callable[[Any], Any], item: Any) -> Future[Any]:
        """Have the function called with the item, in a copy of the context."""

    def result(self, future: Future[Any]) -> Any:
        """Return what the function returned, or raise what it raised."""
        return future.result()


class Threads(Lane):
    """Work on an executor's threads, this process's own or those that were passed in."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def submit(self, context: Context, function: Callable[[Any], Any], item: Any) -> Future[Any]:
        """Have the function called with the item, in a copy of the context."""
        return self._executor.submit(context.copy().run, _call_on_thread, function, item)


class Here(Lane):
    """Work done at once, by the caller."""

    limit = 1

    def submit(self, context: Context, function: Callable[[Any], Any], item: Any) -> Future[Any]:
        """Call the function with the item, in a copy of the context."""
        future: Future[Any] = Future()
        try:
            future.set_result(context.copy().run(_call, function, item))
        except Exception as error:
            future.set_exception(error)
        return future


class Processes(Lane):
    """Work on this process's processes: function, items and results cross over as pickles.

    Pickled here rather than by the executor, what cannot be is told by name, and breaks nothing.
    """

    passing = (BrokenExecutor,)  # one of the processes died, perhaps by what another call did

    def __init__(self) -> None:
        self._executor = _pool("processes")

    def submit(self, context: Context, function: Callable[[Any], Any], item: Any) -> Future[Any]:
        """Have the function called with the item; of the context, what `_Carried` names."""
        try:
            call = context.run(_Carried.current), _pickled(function, item)
        except PicklingError as error:
            future: Future[Any] = Future()
            future.set_exception(error)
            return future
        try:
            return self._executor.submit(_call_pickled, *call)
        except BrokenExecutor:
            self._executor = _pool("processes", instead_of=self._executor)
            return self._executor.submit(_call_pickled, *call)

    def result(self, future: Future[Any]) -> Any:
        """Return what the function returned, or raise what it raised."""
        packed = future.result()
        try:
            return _unpickled(packed)
        except Exception as error:
            raise PicklingError(f"a result cannot be unpickled: {error}") from error


class Elsewhere(Lane):
    """Work on an executor that was passed in, which pickles in its own way."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def submit(self, context: Context, function: Callable[[Any], Any], item: Any) -> Future[Any]:
        """Have the function called with the item; of the context, what `_Carried` names."""
        carried = context.run(_Carried.current)
        return self._executor.submit(_call_carrying, carried, function, item)


def threads(executor: Executor | None) -> Lane:
    """Return the lane of `thread_map`."""
    if executor is not None:
        return Threads(executor)
    # On a pool's thread, waiting for another thread of the pool could be for ever.
    return Here() if _on_pool_thread.get() or _is_master() else Threads(_pool("threads"))


def processes(executor: Executor | None) -> Lane:
    """Return the lane of `process_map`."""
    if executor is not None:
        return Elsewhere(executor)
    # A child that had children would multiply the processes; a daemon may have none.
    alone = _is_child or multiprocessing.current_process().daemon or _is_master()
    return Here() if alone else Processes()


def _is_master() -> bool:
    """Tell whether this is uWSGI's master, which imports the application and then forks.

    Threads would not come along into its workers, and processes would keep it from ending.
    """
    uwsgi = sys.modules.get("uwsgi")
    return uwsgi is not None and uwsgi.masterpid() == os.getpid()


_settings: PoolSettings | None = None
_pools: dict[tuple[int, str, int], Executor] = {}
_is_child = False
_on_pool_thread: ContextVar[bool] = ContextVar("on_pool_thread", default=False)


def configure(settings: PoolSettings) -> PoolSettings:
    """Set the sizes of the pools that are made from now on."""
    global _settings
    _settings = settings
    return settings


def current() -> PoolSettings:
    """Return the sizes; a process without an application gets what the environment says."""
    return _settings or configure(config.load(PoolSettings))


def _pool(kind: str, instead_of: Executor | None = None) -> Executor:
    """Return this process's pool, made at its first use and in the place of a broken one.

    No lock guards the dictionary, since a fork could copy it locked: who comes second uses what
    the first one put in, and a pool that nobody uses has no threads and no processes.
    """
    size = getattr(current(), kind)
    key = os.getpid(), kind, size
    if instead_of is not None and _pools.get(key) is instead_of:
        _pools.pop(key, None)
        instead_of.shutdown(wait=False)
    pool = _pools.get(key)
    if pool is None:
        pool = _pools.setdefault(key, _MAKE[kind](size))
    return pool


def _new_threads(size: int) -> Executor:
    return ThreadPoolExecutor(size, thread_name_prefix="thread_map")


def _new_processes(size: int) -> Executor:
    # Always spawn: a fork would copy the locks of this process's threads as they stand.
    context = multiprocessing.get_context("spawn")
    if "uwsgi" in sys.modules:  # there, sys.executable is uWSGI itself
        context.set_executable(str(Path(sys.prefix, "bin", "python3")))
    level = logging.getLevelName(logging.getLogger().level)
    return ProcessPoolExecutor(
        size, mp_context=context, initializer=_start_child, initargs=(level,)
    )


_MAKE = {"threads": _new_threads, "processes": _new_processes}


def _start_child(level: str) -> None:
    """Prepare a process of the pool: logs like its parent's, and no life after it."""
    global _is_child
    _is_child = True
    logs.configure(level)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A parent that was killed cannot tell its children; they would wait for work for ever.
    multiprocessing.parent_process().join()  # type: ignore[union-attr]
    os._exit(1)


class _Carried(NamedTuple):
    """What goes along to another process: the request's id, and the seconds left for it."""

    request_id: str | None
    seconds: float

    @classmethod
    def current(cls) -> "_Carried":
        return cls(logs.request_id.get(), deadline.remaining())


def _call_on_thread(function: Callable[[Any], Any], item: Any) -> Any:
    _on_pool_thread.set(True)
    return _call(function, item)


def _call_carrying(carried: _Carried, function: Callable[[Any], Any], item: Any) -> Any:
    def call() -> Any:
        logs.request_id.set(carried.request_id)
        deadline.shorten(carried.seconds)
        return _call(function, item)

    return copy_context().run(call)


def _call(function: Callable[[Any], Any], item: Any) -> Any:
    if not deadline.remaining():
        raise TimeoutError(f"{_name(function)} could not begin before its deadline")
    return function(item)


def _call_pickled(carried: _Carried, packed: bytes) -> bytes:
    function, item = _unpickled(packed)
    try:
        result = _call_carrying(carried, function, item)
    except Exception as error:
        if _crosses(error):
            raise
        told = f"{_name(function)} raised {type(error).__name__}, which cannot be pickled: {error}"
        raise RuntimeError(told) from None
    try:
        return pickle.dumps(result)
    except Exception as error:
        what = f"the result of {_name(function)}, {_kind(result)},"
        raise PicklingError(f"{what} cannot be pickled: {error}") from None


def _pickled(function: Callable[[Any], Any], item: Any) -> bytes:
    try:
        return pickle.dumps((function, item))
    except Exception as error:
        whole = _crosses(function)
        what = f"the argument of {_name(function)}, {_kind(item)}," if whole else _name(function)
        raise PicklingError(f"{what} cannot be pickled: {error}") from None


def _crosses(thing: object) -> bool:
    """Tell whether something comes through pickling and back."""
    try:
        _unpickled(pickle.dumps(thing))
    except Exception:
        return False
    return True


def _name(function: object) -> str:
    module, name = (getattr(function, each, None) for each in ("__module__", "__qualname__"))
    return f"{module}.{name}" if name else repr(function)


def _kind(thing: object) -> str:
    return f"a {type(thing).__qualname__}"


def _unpickled(packed: bytes) -> Any:
    return pickle.loads(packed)  # noqa: S301 - only what this service's processes pickled
