"""Store: the contract of a place that keeps results, and the settings that every store has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from main.util.config import integer, positive_seconds, setting

# Bytes.
MEGABYTE = 1024 * 1024

# Releases a lock.
Release = Callable[[], None]


def no_lock() -> None:
    """Release a lock that nobody had to take."""


class RefusedError(Exception):
    """The store works but refuses a command: it is read-only or full, or the value too large."""


class Store(Protocol):
    """Keeps bytes under keys: up to 250 printable ASCII characters, no space, three colons.

    A method raises `RefusedError` if the store works but refuses the command. After any other
    exception the circuit breaker leaves the store alone for a while.
    """

    # False if values are read from memory: those reads need no circuit breaker.
    reads_may_fail: bool = True

    def get(self, key: str) -> bytes | None:
        """Return the value, or None without one."""

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return the values that exist; a server is asked once for all of them."""
        return {key: value for key in keys if (value := self.get(key)) is not None}

    def set(self, key: str, value: bytes, expiry: float) -> None:
        """Keep the value for up to `expiry` seconds, which may be infinite."""

    def delete(self, key: str) -> None:
        """Delete the value, if there is one."""

    def clear(self, prefix: str) -> None:
        """Delete every value whose key begins with the prefix, which ends with a colon."""

    def lock(self, key: str, seconds: float) -> Release | None:
        """Lock the key between processes; return None if another process holds the lock.

        A lock that is not released ends after about `seconds`, or with its process.
        """

    def ping(self) -> None:
        """Raise an exception if the store does not work."""


@dataclass(frozen=True, kw_only=True)
class StoreSettings:
    """Settings that every store has."""

    ttl: float = setting(
        "APP_CACHE_TTL",
        "300",
        positive_seconds,
        "Seconds for which a cached result is fresh by default.",
    )


def size_setting(default: str, help: str) -> Any:
    """Declare APP_CACHE_SIZE: megabytes, whatever the store."""
    return setting("APP_CACHE_SIZE", default, integer(1, 1_000_000), help)
