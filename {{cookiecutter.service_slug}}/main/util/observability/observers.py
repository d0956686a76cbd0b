"""Observers: callbacks that are notified of an event, registered by the application."""

from collections.abc import Callable
from typing import Any, Generic, ParamSpec

P = ParamSpec("P")


class Observers(Generic[P]):
    """The callbacks of one kind of event."""

    def __init__(self, *callbacks: Callable[P, Any]) -> None:
        self.callbacks = callbacks

    def register(self, *callbacks: Callable[P, Any]) -> None:
        """Replace the callbacks, so that a second application does not count events twice."""
        self.callbacks = callbacks

    def notify(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call each callback."""
        for callback in self.callbacks:
            callback(*args, **kwargs)
