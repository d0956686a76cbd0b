"""Context propagation: a task in another process sees the request that it belongs to."""

from collections.abc import Callable
from contextvars import copy_context
from time import time
from typing import Any, NamedTuple

from main.util.context import deadline
from main.util.context.request_id import current_request_id
from main.util.context.trace import Trace, current_trace


class PropagatedContext(NamedTuple):
    """The picklable part of a context, with the deadline in seconds since the epoch.

    A moment of the monotonic clock would mean nothing on another machine.
    """

    request_id: str | None
    trace: Trace | None
    deadline: float

    @classmethod
    def capture(cls) -> "PropagatedContext":
        """Return the context of the caller."""
        return cls(current_request_id.get(), current_trace.get(), time() + deadline.remaining())

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call the function in this context and return its result."""
        context = copy_context()
        context.run(current_request_id.set, self.request_id)
        context.run(current_trace.set, self.trace)
        context.run(deadline.start, self.deadline - time())
        return context.run(function, *args)
