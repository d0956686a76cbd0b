"""Cache codec: what keys and entries look like in a store, and what can be one.

Values are kept as JSON: a store never holds code, and nobody can change what the next caller
gets. What JSON would not give back as it was is refused. A checksum that also covers the key
tells what was packed from what a disk, a server or another program made of it.
"""

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec

CHECKSUM = 4  # bytes
# What crc32 makes of any bytes that are followed by their own crc32.
RESIDUE = 0x2144DF1C

# Of these, values that JSON can spell come back as they were; all others are compared.
_PLAIN = frozenset({str, int, bool, type(None)})


class Entry(msgspec.Struct, array_like=True):
    """What a store holds under a key."""

    fresh_until: float | None  # seconds since the epoch; None is for ever
    value: Any


_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(Entry).decode


def pack(key: str, entry: Entry) -> bytes:
    """Return what the store is to hold under the key."""
    body = _encode(entry)
    return body + crc32(body, crc32(key.encode())).to_bytes(CHECKSUM, "little")


def unpack(key: str, packed: bytes) -> Entry | None:
    """Return what was packed under this key; None if these bytes were not."""
    if crc32(packed, crc32(key.encode())) != RESIDUE:
        return None
    try:
        return _decode(packed[:-CHECKSUM])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def digest_arguments(args: Any, kwargs: Any) -> str:
    """Return 32 hexadecimal digits for a call; raise `TypeError` for what JSON cannot hold."""
    if kwargs or not _PLAIN.issuperset(map(type, args)):
        for part in (*args, *kwargs.values()):
            check(part)
    try:
        raw = _encode_sorted((args, kwargs))
    except ValueError:
        raise TypeError("JSON cannot spell a str with half a character (a surrogate)") from None
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


def check(value: Any) -> None:
    """Raise `TypeError`, which names the type, if JSON would not give back what is in the value."""
    if not _survives(value):
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        if isinstance(value, (dict, list)):
            for part in parts:
                check(part)
        kind = type(value).__qualname__
        raise TypeError(f"JSON would not give back a value of type {kind} as it was")


def label(name: str) -> str:
    """Return a function's name so that every store takes it, and 16 digits for it and the code.

    Two deployments may share a store, and one must never read what the code of the other made.
    """
    version = hashlib.blake2b(name.encode(), key=_code(), digest_size=8).hexdigest()
    return f"{re.sub('[^A-Za-z0-9_.-]+', '-', name)[-100:]}:{version}"


@cache
def _code() -> bytes:
    """Return a digest of everything in main/."""
    found = hashlib.blake2b(digest_size=32)
    main = Path(__file__).parents[1]
    for path in sorted(main.rglob("*")):
        if path.is_file() and path.parent.name != "__pycache__":
            found.update(path.relative_to(main).as_posix().encode() + b"\0")
            found.update(hashlib.blake2b(path.read_bytes()).digest())
    return found.digest()


def _survives(value: Any) -> bool:
    try:
        return bool(msgspec.json.decode(_encode(value)) == value)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        return False
