"""The deadline of the current request.

Every request gets one on arrival. A part of its work may have an earlier deadline, never a later
one. Calls of upstreams and work in pools keep to it.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

# Seconds. Must stay below uWSGI's harakiri (20 s) so that we can still answer with a 503.
REQUEST_TIMEOUT = 15.0

# A moment of this process's monotonic clock.
_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


def start(seconds: float) -> None:
    """Set the deadline of a new request; one that an earlier request left behind is replaced."""
    _deadline.set(monotonic() + seconds)


def remaining() -> float:
    """Return the seconds until the deadline, at least 0; infinity without a deadline."""
    return max(0.0, _deadline.get() - monotonic())


def set_timeout(seconds: float) -> None:
    """Set the deadline to `seconds` from now, unless it is earlier already."""
    _deadline.set(min(_deadline.get(), monotonic() + seconds))


@contextmanager
def timeout(seconds: float) -> Iterator[None]:
    """Limit the block to `seconds`; an earlier outer deadline still applies."""
    outer = _deadline.get()
    set_timeout(seconds)
    try:
        yield
    finally:
        _deadline.set(outer)
