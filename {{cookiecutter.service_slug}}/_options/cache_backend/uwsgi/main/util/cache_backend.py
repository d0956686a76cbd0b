"""The cache's store: uWSGI's memory, shared by all workers of a container.

Its size is that of `cache2` in deploy/uwsgi.ini. Where there is no uWSGI (`make run`, scripts,
tests) every process keeps its entries to itself.
"""

import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import environ

from main.util.config import seconds, setting, whole

# The cache's name, and the bytes that one of its blocks takes.
CACHE = "service"
LARGEST = 65536


@environ.config(prefix="APP_CACHE", frozen=True)
class CacheSettings:
    """What the store reads from the environment."""

    ttl: float = setting(
        "APP_CACHE_TTL", "300", seconds, "Seconds for which a cached result is fresh by default."
    )
    size: int = setting(
        "APP_CACHE_SIZE",
        "1024",
        whole(2, 99_999),
        "Entries, of up to 64 KiB, that all workers share.",
    )


class Backend:
    """Keeps the entries that were used last, up to a number, for all workers."""

    def __init__(self, settings: CacheSettings) -> None:
        self._uwsgi: Any = sys.modules.get("uwsgi") or OneProcess(settings.size)

    def get(self, key: str) -> bytes | None:
        """Return what is kept under the key, or None."""
        value: bytes | None = self._uwsgi.cache_get(key, CACHE)
        return value

    def set(self, key: str, value: bytes, timeout: float | None) -> bool:
        """Keep the value, which need not be for longer than so many seconds; tell if it is kept.

        A cache2 that makes room for new entries deletes none for its age.
        """
        return bool(self._uwsgi.cache_update(key, value, 0, CACHE))

    def delete(self, key: str) -> None:
        """Delete what is kept under the key."""
        self._uwsgi.cache_del(key, CACHE)

    def clear(self, prefix: str) -> None:
        """Delete every entry whose key starts so."""
        for key in map(bytes.decode, self._uwsgi.cache_keys(CACHE)):
            if key.startswith(prefix):
                self._uwsgi.cache_del(key, CACHE)

    def lock(self, key: str, seconds: float) -> Callable[[], None] | None:
        """Return what releases the key's lock, or None if another worker holds it.

        It is released by itself after so many seconds.
        """
        name, until = f"{key}:lock", time.time() + seconds
        if not self._uwsgi.cache_set(name, str(until).encode(), 0, CACHE):
            if float(self._uwsgi.cache_get(name, CACHE) or 0) > time.time():
                return None
            self._uwsgi.cache_update(name, str(until).encode(), 0, CACHE)

        def release() -> None:
            if time.time() < until:  # later it may be somebody else's
                self._uwsgi.cache_del(name, CACHE)

        return release

    def ping(self) -> None:
        """Do nothing: memory is always there."""


class OneProcess:
    """Stands in for uWSGI's functions where there is no uWSGI."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: OrderedDict[str, bytes] = OrderedDict()

    def cache_get(self, key: str, _: str) -> bytes | None:
        """Return what is held under the key, or None."""
        return self._held.get(key)

    def cache_set(self, key: str, value: bytes, expires: int, cache: str) -> bool | None:
        """Hold the value unless the key has one."""
        return None if key in self._held else self.cache_update(key, value, expires, cache)

    def cache_update(self, key: str, value: bytes, expires: int, _: str) -> bool | None:
        """Hold the value, in the place of the oldest if there are too many."""
        if len(value) > LARGEST:
            return None
        self._held[key] = value
        self._held.move_to_end(key)
        if len(self._held) > self._size:
            self._held.popitem(last=False)
        return True

    def cache_del(self, key: str, _: str) -> None:
        """Delete what is held under the key."""
        self._held.pop(key, None)

    def cache_keys(self, _: str) -> list[bytes]:
        """Return all keys."""
        return [key.encode() for key in list(self._held)]
