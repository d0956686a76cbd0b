"""Lanes: the ways to a pool, for a function, its item and what belongs to the request.

On threads the whole context goes along. To another process go the request's id and the seconds
that are left, besides the pickles; what cannot be pickled is told by name.
"""

import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from contextvars import Context, ContextVar, copy_context
from pickle import PicklingError
from typing import Any, NamedTuple

from main.util import deadline, logs, pools

_on_pool_thread: ContextVar[bool] = ContextVar("on_pool_thread", default=False)


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
        self._executor = pools.get("processes")

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
            self._executor = pools.get("processes", instead_of=self._executor)
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
    here = _on_pool_thread.get() or pools.is_master()
    return Here() if here else Threads(pools.get("threads"))


def processes(executor: Executor | None) -> Lane:
    """Return the lane of `process_map`."""
    if executor is not None:
        return Elsewhere(executor)
    return Processes() if pools.may_have_processes() else Here()


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
