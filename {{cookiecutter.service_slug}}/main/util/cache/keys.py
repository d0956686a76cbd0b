"""Keys: text that differs by service, function, version of the code, and arguments.

An example is `my-service:main.service.rates.exchange_rate:1f2e3d4c5b6a7988:["EUR"]`.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from main.util.config import NAME

NAMESPACE = f"{NAME}:"

_MAIN = Path(__file__).parents[2]
# Matches arguments that need no digest: printable ASCII without spaces and colons.
_is_readable = re.compile("[!-9;-~]{1,64}").fullmatch
# JSON distinguishes values of these types.
_PLAIN = frozenset({str, int, bool, type(None)})

_encode = msgspec.json.Encoder().encode


class KeyBuilder:
    """Builds the keys of a function's calls; `key` maps a call to the value that identifies it."""

    def __init__(
        self, name: str, function: Callable[..., Any], key: Callable[..., Any] | None = None
    ) -> None:
        # Versions of the code that share a store must not share results.
        version = blake2b(name.encode(), key=source_digest(_MAIN), digest_size=8).hexdigest()
        label = re.sub("[^A-Za-z0-9_.]+", "-", name)[-100:]
        self.prefix = f"{NAMESPACE}{label}:{version}:"
        self._name = name
        self._key = key
        self._signature = inspect.signature(function)
        kinds = {each.kind for each in self._signature.parameters.values()}
        # With so many positional arguments, there is nothing to bind.
        is_simple = kinds <= {inspect.Parameter.POSITIONAL_OR_KEYWORD}
        self._arity = len(self._signature.parameters) if is_simple else None

    def build(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        """Return the key of a call, however its arguments are passed.

        Raises `TypeError` for an argument that msgspec cannot encode.
        """
        if self._key is not None:
            args, kwargs = (self._key(*args, **kwargs),), {}
        elif kwargs or len(args) != self._arity:
            bound = self._signature.bind(*args, **kwargs)
            bound.apply_defaults()
            args, kwargs = bound.args, bound.kwargs
        try:
            if kwargs or not _PLAIN.issuperset(map(type, args)):
                args = _typed(args), _typed(kwargs)
            text = _encode(args).decode()
        except (TypeError, ValueError) as error:
            raise TypeError(f"{self._name}: no key: {error}; pass key= to @cached") from error
        if not _is_readable(text):
            text = blake2b(text.encode(), digest_size=16).hexdigest()
        return self.prefix + text


def _typed(value: Any) -> Any:
    """Return a plain value as it is, and any other as a list of its type's name and its parts.

    JSON alone would confuse a date with its ISO form, a tuple with a list, and two dataclasses.
    """
    kind: Any = type(value)
    parts: Iterable[Any]
    if kind in _PLAIN:
        return value
    if isinstance(value, dict):
        parts = sorted(map(_typed, value.items()), key=_encode)
    elif isinstance(value, (set, frozenset)):
        parts = sorted(map(_typed, value), key=_encode)
    elif isinstance(value, (list, tuple)):
        parts = map(_typed, value)
    elif kind is float:
        parts = [repr(value)]  # JSON has no infinity
    else:
        fields = _field_names(kind)
        parts = [_typed(getattr(value, field)) for field in fields] if fields else [value]
    return [f"{kind.__module__}.{kind.__qualname__}", *parts]


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    """Return the fields of a dataclass, a msgspec.Struct or an attrs class."""
    information = msgspec.inspect.type_info(kind)
    return tuple(field.name for field in getattr(information, "fields", ()))


@cache
def source_digest(folder: Path) -> bytes:
    """Return a digest of all files in a folder but compiled ones."""
    digest = blake2b(digest_size=32)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.parent.name != "__pycache__":
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            digest.update(blake2b(path.read_bytes()).digest())
    return digest.digest()
