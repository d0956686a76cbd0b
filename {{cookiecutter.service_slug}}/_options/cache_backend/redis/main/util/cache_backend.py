"""The cache's store: a Redis server, or one that speaks as it does, shared by all who know it."""

import re
import secrets
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

import environ
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from redis.retry import Retry

from main.util.config import seconds, setting, whole

# Seconds for a connection, and for an answer.
TIMEOUT = 0.25

# Delete a lock, but only one's own.
RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end"


def connect(url: str) -> "Redis":
    """Return a client for the address; nothing is connected yet."""
    return Redis.from_url(
        url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=Retry(NoBackoff(), 0)
    )


def address(url: str) -> str:
    """Accept the address of a server."""
    try:
        pool = connect(url).connection_pool
        pool.connection_class(**pool.connection_kwargs)
        parts = urlsplit(url)
        if parts.scheme == "unix" or (parts.hostname and parts.port != 0):
            return url
    except (ValueError, TypeError, AttributeError):
        pass
    raise ValueError(
        "redis://[user:password@]host[:port][/number], or the same with rediss or unix"
    )


@environ.config(prefix="APP_CACHE", frozen=True)
class CacheSettings:
    """What the store reads from the environment."""

    ttl: float = setting(
        "APP_CACHE_TTL", "300", seconds, "Seconds for which a cached result is fresh by default."
    )
    size: int = setting(
        "APP_CACHE_SIZE",
        "64",
        whole(1, 1_000_000),
        "Megabytes that the server of docker-compose.yml keeps.",
    )
    url: str = setting(
        "APP_CACHE_URL", "redis://127.0.0.1:6379/0", address, "Address of the server.", secret=True
    )


class Backend:
    """Keeps the entries on the server."""

    def __init__(self, settings: CacheSettings) -> None:
        self._client = connect(settings.url)

    def get(self, key: str) -> bytes | None:
        """Return what is kept under the key, or None."""
        return cast("bytes | None", self._client.get(key))

    def set(self, key: str, value: bytes, timeout: float | None) -> bool:
        """Keep the value, which need not be for longer than so many seconds; tell if it is kept."""
        try:
            return bool(self._client.set(key, value, px=milliseconds(timeout)))
        except ResponseError:  # too large, or no memory left
            return False

    def delete(self, key: str) -> None:
        """Delete what is kept under the key."""
        self._client.unlink(key)

    def clear(self, prefix: str) -> None:
        """Delete every entry whose key starts so."""
        pattern = re.sub(r"([\\*?\[\]])", r"\\\1", prefix) + "*"
        for key in self._client.scan_iter(pattern, count=1000):
            self._client.unlink(key)

    def lock(self, key: str, seconds: float) -> Callable[[], None] | None:
        """Return what releases the key's lock, or None if another holds it.

        It is released by itself after so many seconds.
        """
        name, token = f"{key}:lock", secrets.token_bytes(8)
        if not self._client.set(name, token, nx=True, px=milliseconds(seconds)):
            return None

        def release() -> None:
            self._client.eval(RELEASE, 1, name, token)

        return release

    def ping(self) -> None:
        """Raise what the client raises if the server does not answer."""
        self._client.ping()


def milliseconds(timeout: float | None) -> int | None:
    """Return a time-out as the server counts."""
    return None if timeout is None else max(1, round(timeout * 1000))
