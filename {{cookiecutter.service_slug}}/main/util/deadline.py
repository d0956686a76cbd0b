"""Deadline: until when the work under way must be done, whoever does a part of it.

Every request has one from its arrival. A part of the work may get an earlier one, never a later;
calls of other services and work in pools keep to it, and pass it on.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from flask import Flask

# Seconds for a whole request: what is left of uWSGI's harakiri is for telling that it was late.
REQUEST = 15.0

# A moment of this process's monotonic clock.
_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


def remaining() -> float:
    """Return the seconds that are left, at least 0; infinitely many without a deadline."""
    return max(0.0, _deadline.get() - monotonic())


def shorten(seconds: float) -> None:
    """Set the deadline to so many seconds from now, unless it is earlier already."""
    _deadline.set(min(_deadline.get(), monotonic() + seconds))


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Have what is done in this context end within so many seconds, or earlier as before."""
    before = _deadline.get()
    shorten(seconds)
    try:
        yield
    finally:
        _deadline.set(before)


def init_app(app: "Flask") -> None:
    """Give every request its deadline."""
    inner = app.wsgi_app

    def with_deadline(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        # The thread's last request had one of its own.
        _deadline.set(monotonic() + REQUEST)
        return inner(environ, start_response)

    app.wsgi_app = with_deadline  # type: ignore[method-assign]
