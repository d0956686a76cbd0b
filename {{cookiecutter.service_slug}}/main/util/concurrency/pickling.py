"""Pickling, with errors that name what cannot be pickled."""

import pickle
from pickle import PicklingError
from typing import Any


def dumps(value: object, description: str) -> bytes:
    """Return the pickled value; raise `PicklingError` with the description."""
    try:
        return pickle.dumps(value)
    except Exception as error:
        kind = type(value).__qualname__
        raise PicklingError(f"{description} (type {kind}) cannot be pickled: {error}") from None


def loads(data: bytes, description: str) -> Any:
    """Return the value that was pickled; raise `PicklingError` with the description."""
    try:
        return pickle.loads(data)  # noqa: S301 - only this service's processes have pickled it
    except Exception as error:
        raise PicklingError(f"{description} cannot be unpickled: {error}") from None


def qualified_name(function: object) -> str:
    """Return a function's module and name, or the repr of another callable."""
    name = getattr(function, "__qualname__", None)
    return f"{function.__module__}.{name}" if name else repr(function)
