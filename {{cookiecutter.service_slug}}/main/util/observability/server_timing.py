"""Server-Timing: send the durations of a request's timed calls in a response header.

Browsers show it beside the request. See https://www.w3.org/TR/server-timing/.
"""

import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Name and duration (seconds) of the current request's calls; None if no header will be sent.
_calls: ContextVar[list[tuple[str, float]] | None] = ContextVar("calls", default=None)


def add_call(name: str, _: str, duration: float) -> None:
    """Add a call of a timed function to the header, if one will be sent."""
    calls = _calls.get()
    if calls is not None:
        calls.append((name, duration))


def with_server_timing(application: "WSGIApplication") -> "WSGIApplication":
    """Wrap a WSGI application so that it sends the header."""

    def wrapper(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        calls: list[tuple[str, float]] = []
        _calls.set(calls)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            if calls:
                headers.append(("Server-Timing", _header(calls)))
            return start_response(status, headers, *rest)

        return application(environ, start)

    return wrapper


def _header(calls: list[tuple[str, float]]) -> str:
    """Return one entry for each function, so that the header's length is bounded."""
    durations: dict[str, list[float]] = {}
    for name, duration in calls:
        durations.setdefault(name, []).append(duration)
    return ", ".join(_entry(name, group) for name, group in durations.items())


def _entry(name: str, durations: list[float]) -> str:
    token = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)
    entry = f"{token};dur={sum(durations) * 1000:.3f}"
    return entry if len(durations) == 1 else f'{entry};desc="{token}, {len(durations)} calls"'
