"""Context propagation: a task in another process sees the request that it belongs to."""

from collections.abc import Callable
from contextvars import copy_context
from typing import Any, NamedTuple

from main.util.context import deadline
from main.util.context.request_id import current_request_id


class PropagatedContext(NamedTuple):
    """The picklable part of a context, with the deadline as the remaining seconds."""

    request_id: str | None
    remaining: float

    @classmethod
    def capture(cls) -> "PropagatedContext":
        """Return the context of the caller."""
        return cls(current_request_id.get(), deadline.remaining())

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call the function in this context and return its result."""
        context = copy_context()
        context.run(current_request_id.set, self.request_id)
        context.run(deadline.start, self.remaining)
        return context.run(function, *args)
