"""The cache's store: this process's own memory; every worker has one of its own."""

import math
import threading
import time
from collections.abc import Callable

import environ
from cachetools import TLRUCache

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

    def __init__(
        self, settings: CacheSettings, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._lock = threading.Lock()
        self._entries: TLRUCache[str, tuple[bytes, float]] = TLRUCache(
            settings.size, ttu=lambda _, entry, now: now + entry[1], timer=timer
        )

    def get(self, key: str) -> bytes | None:
        """Return what is kept under the key, or None."""
        with self._lock:
            entry = self._entries.get(key)
        return None if entry is None else entry[0]

    def set(self, key: str, value: bytes, timeout: float | None) -> None:
        """Keep the value for so many seconds; None is for ever."""
        with self._lock:
            self._entries[key] = value, math.inf if timeout is None else timeout

    def clear(self, prefix: str) -> None:
        """Delete every entry whose key starts so."""
        with self._lock:
            for key in [key for key in self._entries if key.startswith(prefix)]:
                del self._entries[key]

    def ping(self) -> None:
        """Do nothing: memory is always there."""
