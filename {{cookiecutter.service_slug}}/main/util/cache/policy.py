"""Policy: how the results of one function are stored as JSON, and for how long they are used.

A store never contains code, and every caller gets a copy of its own. An entry is JSON, the time at
which it was created and the result, and the CRC-32 of its key and that text (4 bytes).
"""

import logging
from types import GenericAlias
from typing import Any
from zlib import crc32

import msgspec

log = logging.getLogger(__name__)

_CHECKSUM_SIZE = 4
# The CRC-32 of any data that ends with its own CRC-32.
_RESIDUE = 0x2144DF1C

_encode = msgspec.json.Encoder().encode


class Result(msgspec.Struct, frozen=True, gc=False):
    """The outcome for a key. A lookup has a value and its entry if it is "hit" or "stale"."""

    outcome: str
    value: Any = None
    entry: bytes = b""


class Policy:
    """The policy of one function, whose results are decoded as its return annotation.

    `cached` describes the times. Raises `TypeError` if JSON cannot hold the annotated type, and
    `ValueError` for an invalid time.
    """

    def __init__(
        self,
        name: str,
        annotation: Any,
        ttl: float | None = None,
        stale_for: float = 60.0,
        lock_timeout: float = 1.0,
    ) -> None:
        if not (ttl is None or ttl > 0) or not stale_for >= 0 or not lock_timeout >= 0:
            raise ValueError(
                f"{name}: ttl must be more than 0 seconds, stale_for and lock_timeout at least 0; "
                f"got ttl={ttl}, stale_for={stale_for}, lock_timeout={lock_timeout}"
            )
        self.name = name
        self.ttl = ttl
        self.stale_for = stale_for
        self.lock_timeout = lock_timeout
        self._annotation = annotation
        try:
            msgspec.json.schema(annotation)  # rejects classes that a decoder accepts
            self._decode = msgspec.json.Decoder(GenericAlias(tuple, (float, annotation))).decode
        except TypeError as error:
            raise TypeError(
                f"{name}: cannot cache {annotation}; return a dataclass or another msgspec type"
            ) from error

    def encode(self, key: str, value: Any, now: float) -> bytes:
        """Return a new entry; raise `TypeError` if the value would not come back as it is."""
        try:
            text = _encode((now, value))
            if self._decode(text)[1] != value:
                raise ValueError("JSON does not preserve it")
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{self.name}: cannot cache a {type(value).__qualname__} as {self._annotation}: "
                f"{error}; annotate the return type"
            ) from error
        return text + crc32(key.encode() + text).to_bytes(_CHECKSUM_SIZE, "little")

    def decode(self, key: str, entry: bytes | None, now: float, default_ttl: float) -> Result:
        """Return what an entry is: hit, stale, miss (also if too old) or error (corrupt)."""
        if entry is None:
            return Result("miss")
        try:
            if crc32(key.encode() + entry) != _RESIDUE:
                raise ValueError("wrong checksum")
            created, value = self._decode(entry[:-_CHECKSUM_SIZE])
        except ValueError as error:
            log.warning("cache.corrupt_entry", extra={"callable": self.name, "reason": str(error)})
            return Result("error")
        stale_age = now - created - (default_ttl if self.ttl is None else self.ttl)
        if stale_age >= self.stale_for:
            return Result("miss")
        return Result("hit" if stale_age < 0 else "stale", value, entry)

    def value(self, entry: bytes) -> Any:
        """Return the value of a valid entry, however old it is."""
        return self._decode(entry[:-_CHECKSUM_SIZE])[1]
