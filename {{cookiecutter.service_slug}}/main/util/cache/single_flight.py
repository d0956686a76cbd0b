"""Single flight: concurrent callers of one key share one computation."""

import os
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future

from main.util.context import deadline


class Call(Future[bytes]):
    """A computation in flight; its result is an entry."""

    def __init__(self) -> None:
        super().__init__()
        self.leader = threading.get_ident()


class SingleFlight:
    """The calls of this process, by key."""

    def __init__(self) -> None:
        self._reset()
        if sys.platform != "win32":
            # A forked child must not wait for threads that exist only in its parent.
            os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._calls: dict[str, Call] = {}
        self._lock = threading.Lock()  # for the dictionary; nobody computes while holding it

    def do(
        self,
        keys: Mapping[str, bytes],
        make: Callable[[dict[str, Call]], dict[str, bytes]],
    ) -> dict[str, bytes]:
        """Return an entry for each key; `make` is called with those that no thread is making.

        For the others this returns the stale entry that comes with the key, or waits if that is
        empty. Raises `TimeoutError` at the deadline of the request.
        """
        led, followed = {}, {}
        with self._lock:
            for key in keys:
                call = self._calls.get(key)
                if call is None or call.leader == threading.get_ident():  # would wait for itself
                    led[key] = self._calls[key] = Call()
                else:
                    followed[key] = call
        entries = self._lead(led, make) if led else {}
        for key, call in followed.items():
            entries[key] = keys[key] or call.result(deadline.remaining())
        return entries

    def is_current(self, key: str, call: Call) -> bool:
        """Return whether nobody has invalidated the key since the call began."""
        return self._calls.get(key) is call

    def invalidate(self, prefix: str) -> None:
        """Let no more callers join calls whose keys begin with the prefix."""
        with self._lock:
            for key in [key for key in self._calls if key.startswith(prefix)]:
                del self._calls[key]

    def _lead(
        self, calls: dict[str, Call], make: Callable[[dict[str, Call]], dict[str, bytes]]
    ) -> dict[str, bytes]:
        try:
            entries = make(calls)
            for key, call in calls.items():
                call.set_result(entries[key])
            return entries
        except BaseException as error:
            for call in calls.values():
                call.set_exception(error)
            raise
        finally:
            with self._lock:
                for key in [key for key in calls if self.is_current(key, calls[key])]:
                    del self._calls[key]
