"""Arguments: encode the arguments of a call as text that differs if types or values differ.

JSON alone would confuse a date with its ISO form, a tuple with a list, and two dataclasses.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import msgspec

# JSON distinguishes values of these types.
_PLAIN = frozenset({str, int, bool, type(None)})

_encode = msgspec.json.Encoder().encode


def encode_arguments(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """Return JSON; raise `TypeError` or `ValueError` for a value that msgspec cannot encode."""
    if not kwargs:
        for each in args:
            if type(each) not in _PLAIN:
                break
        else:
            return _encode(args).decode()
    # Only these begin with two brackets.
    return _encode([_tag(args), _tag(kwargs)]).decode()


def _tag(value: Any) -> Any:
    """Return a plain value as it is, and any other as a list of its type's name and its parts."""
    kind: Any = type(value)
    parts: Iterable[Any]
    if kind in _PLAIN:
        return value
    if isinstance(value, dict):
        parts = sorted(map(_tag, value.items()), key=_encode)
    elif isinstance(value, (set, frozenset)):
        parts = sorted(map(_tag, value), key=_encode)
    elif isinstance(value, (list, tuple)):
        parts = map(_tag, value)
    elif kind is float:
        parts = [repr(value)]  # JSON has no infinity
    else:
        fields = _field_names(kind)
        parts = [_tag(getattr(value, field)) for field in fields] if fields else [value]
    return [f"{kind.__module__}.{kind.__qualname__}", *parts]


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    """Return the fields of a dataclass, a msgspec.Struct or an attrs class."""
    information = msgspec.inspect.type_info(kind)
    return tuple(field.name for field in getattr(information, "fields", ()))
