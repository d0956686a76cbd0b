"""The deadline of the current request: calls of upstreams and work in pools keep to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import TIMEOUT_MAX
from time import monotonic

# Seconds. Must exceed TOTAL_TIMEOUT of util.http_client, and stay below harakiri in
# deploy/uwsgi.ini, so that our caller gets a 503.
REQUEST_TIMEOUT = 15.0
# Seconds of those that a request may wait for a thread. After that, its caller gets a 503 at once.
QUEUE_TIMEOUT = 5.0

_deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))


def start(seconds: float) -> None:
    """Set the deadline of a new request; one that an earlier request left behind is replaced."""
    _deadline.set(monotonic() + seconds)


def remaining() -> float:
    """Return the seconds until the deadline, at least 0; without one, the longest timeout."""
    return min(max(0.0, _deadline.get() - monotonic()), TIMEOUT_MAX)


@contextmanager
def timeout(seconds: float) -> Iterator[None]:
    """Limit the block to `seconds`; an earlier outer deadline still applies."""
    token = _deadline.set(min(_deadline.get(), monotonic() + seconds))
    try:
        yield
    finally:
        _deadline.reset(token)
