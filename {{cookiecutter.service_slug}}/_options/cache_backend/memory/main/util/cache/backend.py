"""The store of the cache: this process's memory. Every worker has its own."""

import threading
from dataclasses import dataclass

from cachetools import LRUCache

from main.util.cache.store import (
    MEGABYTE,
    RefusedError,
    Release,
    Store,
    StoreSettings,
    no_lock,
    size_setting,
)

# Bytes that an entry takes besides its value.
OVERHEAD = 600


@dataclass(frozen=True, kw_only=True)
class CacheSettings(StoreSettings):
    """Settings of the cache."""

    size: int = size_setting("16", "Megabytes of results that each worker keeps.")


class CacheStore(Store):
    """Keeps the entries that were used last."""

    reads_may_fail = False

    def __init__(self, settings: CacheSettings) -> None:
        self._lock = threading.Lock()
        self._entries: LRUCache[str, bytes] = LRUCache(
            settings.size * MEGABYTE, getsizeof=lambda value: len(value) + OVERHEAD
        )

    def get(self, key: str) -> bytes | None:
        with self._lock:
            try:
                return self._entries[key]
            except KeyError:
                return None

    def set(self, key: str, value: bytes, expiry: float) -> None:
        try:
            with self._lock:
                self._entries[key] = value
        except ValueError as error:
            raise RefusedError("larger than APP_CACHE_SIZE") from error

    def delete(self, key: str) -> None:
        with self._lock:
            self._entries.pop(key, None)

    def clear(self, prefix: str) -> None:
        with self._lock:
            for key in [key for key in self._entries if key.startswith(prefix)]:
                del self._entries[key]

    def lock(self, key: str, seconds: float) -> Release | None:
        return no_lock  # no other process computes for this store

    def ping(self) -> None:
        pass
