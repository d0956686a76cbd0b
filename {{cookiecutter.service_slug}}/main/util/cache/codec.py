"""Codec: results are stored as JSON, and decoded by the function's return annotation.

A store never contains code, and every caller gets a copy of its own. An entry is the time until
which the result is fresh (8 bytes), the JSON text, and the CRC-32 of both and the key (4 bytes).
"""

import struct
from collections.abc import Callable
from inspect import isasyncgenfunction, iscoroutinefunction, isfunction, isgeneratorfunction
from typing import Any, get_type_hints
from zlib import crc32

import msgspec

_TIME = struct.Struct("<d")
_CHECKSUM_SIZE = 4
_TEXT = slice(_TIME.size, -_CHECKSUM_SIZE)
# The CRC-32 of any data that ends with its own CRC-32.
_RESIDUE = 0x2144DF1C

_unpack_time = _TIME.unpack_from
_encode = msgspec.json.Encoder().encode

_RETURN_NO_RESULT = iscoroutinefunction, isgeneratorfunction, isasyncgenfunction


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A result, and the time until which it is fresh in seconds since the epoch."""

    fresh_until: float
    value: Any


class Codec:
    """Encodes and decodes the results of one function.

    Raises `TypeError` if JSON cannot hold values of the annotated type.
    """

    def __init__(self, name: str, annotation: Any) -> None:
        self._name = name
        self._annotation = annotation
        try:
            msgspec.json.schema(annotation)  # rejects classes that a decoder accepts
            self._decode = msgspec.json.Decoder(annotation).decode
        except TypeError as error:
            raise TypeError(
                f"{name}: cannot cache a {_type_name(annotation)}; "
                "return a dataclass or another type that msgspec supports"
            ) from error

    def dumps(self, key: str, entry: Entry) -> tuple[bytes, Any]:
        """Return the encoded entry, and the value that comes back from it.

        Raises `TypeError` if that value is not equal to the entry's.
        """
        try:
            text = _encode(entry.value)
            copy = self._decode(text)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise self._refusal(entry.value) from error
        if copy != entry.value:
            raise self._refusal(entry.value)
        data = _TIME.pack(entry.fresh_until) + text
        return data + crc32(key.encode() + data).to_bytes(_CHECKSUM_SIZE, "little"), copy

    def loads(self, key: str, data: bytes) -> Entry | None:
        """Return the entry, or None if it is corrupt or does not match the annotation."""
        if crc32(key.encode() + data) != _RESIDUE:
            return None
        try:
            return Entry(_unpack_time(data)[0], self._decode(data[_TEXT]))
        except (struct.error, msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def _refusal(self, value: Any) -> TypeError:
        kind = _type_name(type(value))
        if self._annotation is Any:
            reason = f"a {kind} from an unannotated function; annotate the return type"
        else:
            reason = f"a {kind} as {_type_name(self._annotation)}: JSON does not preserve it"
        return TypeError(f"{self._name}: cannot cache {reason}")


def return_annotation(function: Callable[..., Any]) -> Any:
    """Return the evaluated return annotation of a function, or `Any` without one.

    Raises `TypeError` for what does not return its result, such as a coroutine function.
    """
    if not isfunction(function) or any(check(function) for check in _RETURN_NO_RESULT):
        raise TypeError(f"only functions that return a result can be cached; got {function!r}")
    try:
        return get_type_hints(function, include_extras=True).get("return", Any)
    except NameError as error:
        raise TypeError(
            f"{function.__qualname__}: cannot evaluate the annotations: {error}; define it before "
            "the function"
        ) from error


def _type_name(annotation: Any) -> str:
    return annotation.__qualname__ if isinstance(annotation, type) else str(annotation)
