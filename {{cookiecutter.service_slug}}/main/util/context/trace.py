"""W3C Trace Context, level 1: the trace that the current request belongs to."""

import os
import re
from contextvars import ContextVar
from typing import NamedTuple

# deploy/nginx.conf has the same pattern. Versions after 00 may have additional fields.
TRACEPARENT = re.compile(
    r"(?:00(?=.{53}$)|(?!00|ff)[0-9a-f]{2})"
    r"-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]([0-9a-f])(?:-.*)?"
)
# The specification asks for at least 512 characters.
TRACESTATE = re.compile(r"[ -~]{1,512}")


class Trace(NamedTuple):
    """A trace: `flags` is 01 if the caller records it, `state` is for the vendors of tracing."""

    trace_id: str
    flags: str = "00"
    state: str = ""

    def headers(self) -> dict[str, str]:
        """Return the headers for a call of an upstream, which gets a parent id of its own."""
        headers = {"traceparent": f"00-{self.trace_id}-{os.urandom(8).hex()}-{self.flags}"}
        if self.state:
            headers["tracestate"] = self.state
        return headers


# The trace of the request that this thread is serving or has served last.
current_trace: ContextVar[Trace | None] = ContextVar("trace", default=None)


def start_trace(traceparent: str, tracestate: str, new_id: str = "") -> None:
    """Continue the trace of a well-formed traceparent, or else begin one, perhaps with an id."""
    trace = Trace(new_id or os.urandom(16).hex())
    if given := TRACEPARENT.fullmatch(traceparent):
        state = tracestate if TRACESTATE.fullmatch(tracestate) else ""
        trace = Trace(given[1], f"0{int(given[2], 16) & 1}", state)
    current_trace.set(trace)
