"""The cache's store: this process's own memory; every worker has one of its own."""

import threading
from collections.abc import Callable

import environ
from cachetools import LRUCache

from main.util.config import seconds, setting, whole


@environ.config(prefix="APP_CACHE", frozen=True)
class CacheSettings:
    """What the store reads from the environment."""

    ttl: float = setting(
        "APP_CACHE_TTL", "300", seconds, "Seconds for which a cached result is fresh by default."
    )
    size: int = setting(
        "APP_CACHE_SIZE", "1024", whole(1, 10_000_000), "Entries that each worker keeps."
    )


class Backend:
    """Keeps the entries that were used last, up to a number, in this process."""

    def __init__(self, settings: CacheSettings) -> None:
        self._lock = threading.Lock()
        self._entries: LRUCache[str, bytes] = LRUCache(settings.size)

    def get(self, key: str) -> bytes | None:
        """Return what is kept under the key, or None."""
        with self._lock:
            return self._entries.get(key)

    def set(self, key: str, value: bytes, timeout: float | None) -> bool:
        """Keep the value, which need not be for longer than so many seconds; tell if it is kept.

        What is too old is not used any more, and so the first to make room.
        """
        with self._lock:
            self._entries[key] = value
        return True

    def delete(self, key: str) -> None:
        """Delete what is kept under the key."""
        with self._lock:
            self._entries.pop(key, None)

    def clear(self, prefix: str) -> None:
        """Delete every entry whose key starts so."""
        with self._lock:
            for key in [key for key in self._entries if key.startswith(prefix)]:
                del self._entries[key]

    def lock(self, key: str, seconds: float) -> Callable[[], None] | None:
        """Return what releases the key's lock: within a process nobody else holds it."""
        return _nothing

    def ping(self) -> None:
        """Do nothing: memory is always there."""


def _nothing() -> None:
    """Do nothing."""
