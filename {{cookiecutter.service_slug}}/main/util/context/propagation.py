"""Context propagation: pass the request id and the deadline to a task in another process."""

from collections.abc import Callable
from contextvars import copy_context
from typing import Any, NamedTuple

from main.util.context import deadline
from main.util.context.request_id import current_request_id


class PropagatedContext(NamedTuple):
    """The picklable part of a request's context.

    The deadline is passed as the remaining seconds, because a moment of one process's monotonic
    clock means nothing in another process.
    """

    request_id: str | None
    remaining: float

    @classmethod
    def capture(cls) -> "PropagatedContext":
        """Return the context of the caller."""
        return cls(current_request_id.get(), deadline.remaining())

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call the function in this context and return its result."""
        return copy_context().run(self._call, function, *args)

    def _call(self, function: Callable[..., Any], *args: Any) -> Any:
        current_request_id.set(self.request_id)
        deadline.set_timeout(self.remaining)
        return function(*args)
