"""Keys: text that differs by service, function, version of the code, and arguments.

An example is `my-service:main.service.rates.exchange_rate:1f2e3d4c5b6a7988:["EUR"]`.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from main.util.cache.arguments import encode_arguments
from main.util.config import NAME

NAMESPACE = f"{NAME}:"

_MAIN = Path(__file__).parents[2]
# Characters of arguments that are part of a key as they are.
_MAX_LENGTH = 64


class KeyBuilder:
    """Builds the keys of a function's calls; `key` maps a call to the value that identifies it."""

    def __init__(
        self, name: str, function: Callable[..., Any], key: Callable[..., Any] | None = None
    ) -> None:
        self.prefix = function_prefix(name)
        self._name = name
        self._key = key
        self._signature = inspect.signature(function)
        kinds = {each.kind for each in self._signature.parameters.values()}
        is_plain = key is None and kinds <= {inspect.Parameter.POSITIONAL_OR_KEYWORD}
        self._arity = len(self._signature.parameters) if is_plain else None

    def build(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        """Return the key of a call, however its arguments are passed."""
        if kwargs or len(args) != self._arity:
            args, kwargs = self._normalize(args, kwargs)
        try:
            text = encode_arguments(args, kwargs)
        except (NameError, TypeError, ValueError) as error:
            raise TypeError(f"{self._name}: no key: {error}; pass key= to @cached") from error
        if len(text) > _MAX_LENGTH or not text.isascii():
            text = _digest(text)
        return self.prefix + text

    def _normalize(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        if self._key is not None:
            return (self._key(*args, **kwargs),), {}
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.args, bound.kwargs


def function_prefix(name: str) -> str:
    """Return what the keys of a function begin with.

    It has a digest of the code: versions that share a store must not share results.
    """
    version = blake2b(name.encode(), key=source_digest(_MAIN), digest_size=8).hexdigest()
    label = re.sub("[^A-Za-z0-9_.-]+", "-", name)[-100:]
    return f"{NAMESPACE}{label}:{version}:"


def short_key(key: str) -> str:
    """Return the key with a digest of the arguments: only letters, digits and `_.-:`."""
    prefix, bracket, arguments = key.partition(":[")
    return f"{prefix}:{_digest(arguments)}" if bracket else key


@cache
def source_digest(folder: Path) -> bytes:
    """Return a digest of all files in a folder but compiled ones."""
    digest = blake2b(digest_size=32)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.parent.name != "__pycache__":
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            digest.update(blake2b(path.read_bytes()).digest())
    return digest.digest()


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()
