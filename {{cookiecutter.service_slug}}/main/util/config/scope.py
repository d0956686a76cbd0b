"""Scopes: settings and the objects built from them, one scope per application.

A request has the scope of its application. A process without an application, such as a pool
process or a script, has a default scope that reads the environment when it is first asked.

    def current_pools() -> Pools:
        return current_scope().get(Pools, PoolSettings)
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from main.util.config.declare import load

S = TypeVar("S")
T = TypeVar("T")


class Scope:
    """Settings, nested settings, and one object of each kind built from them."""

    def __init__(self, settings: Any = None) -> None:
        self._objects: dict[Any, Any] = {}
        if settings is not None:
            self._add(settings)

    def activate(self) -> None:
        """Make this the current scope of the calling context."""
        _active.set(self)

    def make_default(self) -> None:
        """Make this the scope of all contexts of the process in which no other is active."""
        global _default
        _default = self

    def settings(self, settings_class: type[S]) -> S:
        """Return the settings of this class; load them if the scope was created without them."""
        found: S | None = self._objects.get(settings_class)
        if found is None:
            found = self._objects.setdefault(settings_class, load(settings_class))
        return found

    def get(self, factory: Callable[[S], T], settings_class: type[S]) -> T:
        """Return what `factory` builds from the settings; it is called at the first request.

        A factory must not have side effects: threads that ask at the same time may each call
        it, and all get the first result.
        """
        found: T | None = self._objects.get(factory)
        if found is None:
            found = self._objects.setdefault(factory, factory(self.settings(settings_class)))
        return found

    def put(self, factory: Callable[..., T], value: T) -> None:
        """Use this value instead of what `factory` would build, for example a stub in a test."""
        self._objects[factory] = value

    def _add(self, settings: Any) -> None:
        self._objects[type(settings)] = settings
        for each in fields(settings):
            value = getattr(settings, each.name)
            if is_dataclass(value):
                self._add(value)


_default = Scope()
_active: ContextVar[Scope | None] = ContextVar("scope", default=None)


def current_scope() -> Scope:
    """Return the scope that is active in this context, or else the process's default."""
    return _active.get() or _default
