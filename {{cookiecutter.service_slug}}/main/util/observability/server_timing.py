"""Server-Timing: send the durations of a request's timed calls in a response header.

Browsers show it beside the request. See https://www.w3.org/TR/server-timing/.
"""

import re
from collections import defaultdict
from contextvars import ContextVar

from flask import Response

# Name and duration (seconds) of the current request's calls, if a header will be sent.
_calls: ContextVar[list[tuple[str, float]]] = ContextVar("calls")


def add_call(name: str, _: str, duration: float) -> None:
    """Add a call of a timed function to the header, if one will be sent."""
    _calls.get([]).append((name, duration))


def begin() -> None:
    """Collect the calls of a new request; for `before_request`."""
    _calls.set([])


def add_header(response: Response) -> Response:
    """Add the header, with one entry for each function; for `after_request`."""
    milliseconds: dict[str, float] = defaultdict(float)
    for name, duration in _calls.get([]):
        milliseconds[re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)] += duration * 1000
    if milliseconds:
        entries = [f"{token};dur={total:.3f}" for token, total in milliseconds.items()]
        response.headers["Server-Timing"] = ", ".join(entries)
    return response
