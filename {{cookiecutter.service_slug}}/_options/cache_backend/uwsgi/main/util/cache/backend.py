"""The store of the cache: memory of uWSGI, which all workers of a container share.

`cache2` in deploy/uwsgi.ini creates it. A process without uWSGI (`make run`, scripts, tests) keeps
its entries to itself.
"""

import sys
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from main.util.cache.store import (
    MEGABYTE,
    RefusedError,
    Release,
    Store,
    StoreSettings,
    size_setting,
)

# The name of the cache, and its bytes for each entry.
CACHE = "service"
BLOCK_SIZE = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class CacheSettings(StoreSettings):
    """Settings of the cache."""

    size: int = size_setting("64", "Megabytes of results that all workers share.")


class CacheStore(Store):
    """Keeps the entries that were used last."""

    reads_may_fail = False

    def __init__(self, settings: CacheSettings) -> None:
        local = LocalCache(settings.size * MEGABYTE // BLOCK_SIZE)
        self._uwsgi: Any = sys.modules.get("uwsgi", local)

    def get(self, key: str) -> bytes | None:
        value: bytes | None = self._uwsgi.cache_get(key, CACHE)
        return value

    def set(self, key: str, value: bytes, expiry: float) -> None:
        # Without an expiry: to make room, uWSGI evicts what was used least recently.
        if not self._uwsgi.cache_update(key, value, 0, CACHE):
            raise RefusedError(f"larger than {BLOCK_SIZE} bytes")

    def delete(self, key: str) -> None:
        self._uwsgi.cache_del(key, CACHE)

    def clear(self, prefix: str) -> None:
        for key in map(bytes.decode, self._uwsgi.cache_keys(CACHE)):
            if key.startswith(prefix):
                self._uwsgi.cache_del(key, CACHE)

    def lock(self, key: str, seconds: float) -> Release | None:
        name, expiry = f"{key}:lock", time.time() + seconds
        if not self._uwsgi.cache_set(name, str(expiry).encode(), 0, CACHE):
            if float(self._uwsgi.cache_get(name, CACHE) or 0) > time.time():
                return None
            self._uwsgi.cache_update(name, str(expiry).encode(), 0, CACHE)

        def release() -> None:
            if time.time() < expiry:  # later, the lock may belong to another worker
                self._uwsgi.cache_del(name, CACHE)

        return release

    def ping(self) -> None:
        pass


class LocalCache:
    """The functions of uWSGI's cache for one process, without expiry and names of caches."""

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._entries: OrderedDict[str, bytes] = OrderedDict()

    def cache_get(self, key: str, cache: str) -> bytes | None:
        return self._entries.get(key)

    def cache_set(self, key: str, value: bytes, expires: int, cache: str) -> bool | None:
        """Add an entry, unless there is one with this key."""
        return None if key in self._entries else self.cache_update(key, value, expires, cache)

    def cache_update(self, key: str, value: bytes, expires: int, cache: str) -> bool | None:
        """Add or replace an entry."""
        if len(value) > BLOCK_SIZE:
            return None
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)
        return True

    def cache_del(self, key: str, cache: str) -> None:
        self._entries.pop(key, None)

    def cache_keys(self, cache: str) -> list[bytes]:
        return [key.encode() for key in list(self._entries)]
