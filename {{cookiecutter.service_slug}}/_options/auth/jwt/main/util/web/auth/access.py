"""Access: marks of views that say who may call them. Without a mark, every valid token may."""

from collections.abc import Callable
from typing import Any, TypeVar

V = TypeVar("V", bound=Callable[..., Any])

_MARK = "required_scopes"


def public(view: V) -> V:
    """Let everybody call this view: a function, a method of a `MethodView`, or the class."""
    return _mark(view, None)


def requires(*scopes: str) -> Callable[[V], V]:
    """Let only callers whose token has all of these scopes call the view."""
    return lambda view: _mark(view, frozenset(scopes))


def required_scopes(view: Any, method: str) -> frozenset[str] | None:
    """Return the scopes that a request to a registered view requires; None if it is public."""
    view = getattr(view, "view_class", view)
    handler = getattr(view, "get" if method == "HEAD" else method.lower(), view)
    scopes: frozenset[str] | None = getattr(handler, _MARK, getattr(view, _MARK, frozenset()))
    return scopes


def _mark(view: V, scopes: frozenset[str] | None) -> V:
    if _MARK in vars(view):
        raise TypeError(f"{view.__qualname__} must have one of @public and @requires; got two.")
    setattr(view, _MARK, scopes)
    return view
