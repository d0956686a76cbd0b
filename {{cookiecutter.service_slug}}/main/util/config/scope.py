"""Scopes: the settings of an application, and the objects that are built from them.

A request has the scope of its application. A process without an application, such as a pool
process or a script, has a default scope that reads the environment.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from main.util.config.declare import load

S = TypeVar("S")
T = TypeVar("T")


class Scope:
    """Settings with their groups, and one object of each factory."""

    def __init__(self, settings: Any = None) -> None:
        groups = [] if settings is None else [settings, *vars(settings).values()]
        self._objects: dict[Any, Any] = {type(group): group for group in groups}

    def activate(self) -> None:
        """Make this the current scope of the calling context."""
        _active.set(self)

    def make_default(self) -> None:
        """Make this the scope of all contexts of the process in which no other is active."""
        global _default
        _default = self

    def settings(self, settings_class: type[S]) -> S:
        """Return the settings of this class; load them if the scope was created without them."""
        if settings_class not in self._objects:
            self._objects.setdefault(settings_class, load(settings_class))
        found: S = self._objects[settings_class]
        return found

    def get(self, factory: Callable[[S], T], settings_class: type[S]) -> T:
        """Return what `factory` builds from the settings, once; it must have no side effects."""
        if factory not in self._objects:
            # Threads that ask at the same time may each build an object; all get the first.
            self._objects.setdefault(factory, factory(self.settings(settings_class)))
        found: T = self._objects[factory]
        return found

    def put(self, factory: Callable[..., T], value: T) -> None:
        """Use this value instead of what `factory` would build, for example a stub in a test."""
        self._objects[factory] = value


_default = Scope()
_active: ContextVar[Scope] = ContextVar("scope")


def current_scope() -> Scope:
    """Return the scope that is active in this context, or else the process's default."""
    return _active.get(_default)
