"""Single flight: concurrent callers of one key share one computation.

The names are those of Go's golang.org/x/sync/singleflight.
"""

import os
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager

from main.util.context import deadline


class Call(Future[bytes]):
    """A computation in flight; its result is an encoded entry."""

    def __init__(self) -> None:
        super().__init__()
        self._leader = threading.get_ident()

    def is_recursive(self) -> bool:
        """Return whether this thread leads the call, and would wait for itself."""
        return self._leader == threading.get_ident()

    def wait(self) -> bytes:
        """Return the result; raise `TimeoutError` at the deadline of the request."""
        return self.result(min(deadline.remaining(), threading.TIMEOUT_MAX))


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

    def join(self, keys: Iterable[str]) -> tuple[dict[str, Call], dict[str, Call]]:
        """Return the calls that the caller must lead, and those that others lead."""
        led, followed = {}, {}
        with self._lock:
            for key in keys:
                if key in self._calls:
                    followed[key] = self._calls[key]
                else:
                    led[key] = self._calls[key] = Call()
        return led, followed

    @contextmanager
    def leading(self, calls: Mapping[str, Call]) -> Iterator[None]:
        """End the calls after the block; if it raises, so do the followers."""
        try:
            yield
        except BaseException as error:
            for call in calls.values():
                call.set_exception(error)
            raise
        finally:
            with self._lock:
                for key, call in calls.items():
                    if self._calls.get(key) is call:
                        del self._calls[key]

    def is_current(self, key: str, call: Call) -> bool:
        """Return whether nobody has invalidated the key since the call began."""
        return self._calls.get(key) is call

    def invalidate(self, prefix: str) -> None:
        """Let no more callers join calls whose keys begin with the prefix."""
        with self._lock:
            for key in [key for key in self._calls if key.startswith(prefix)]:
                del self._calls[key]
