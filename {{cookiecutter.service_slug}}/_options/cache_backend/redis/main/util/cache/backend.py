"""The store of the cache: Redis, or a server with its protocol such as Valkey."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from redis.retry import Retry

from main.util.cache.store import RefusedError, Release, Store, StoreSettings, size_setting
from main.util.cache.timed_socket import TIMEOUT, TimedSocket, start_call
from main.util.config import setting

# Longer times mean "no expiry": Redis rejects larger numbers.
MAX_EXPIRY = 1e8
# Deletes a lock, unless it has expired and belongs to another process now.
RELEASE_SCRIPT = "if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end"


def connect(url: str) -> "Redis":
    """Return a client for a URL; it connects later."""
    return Redis.from_url(
        url,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        retry=Retry(NoBackoff(), 0),
        # Without further commands, a new connection takes one round trip.
        protocol=2,
        driver_info=None,
        redis_connect_func=_on_connect,
    )


def _on_connect(connection: Any) -> None:
    """Limit the time of calls; redis-py calls this instead of `on_connect`."""
    connection._sock = TimedSocket(connection._sock)
    connection.on_connect()


def redis_url(text: str) -> str:
    """Accept the URL of a server."""
    with suppress(Exception):  # of several libraries that parse parts of the URL
        pool = connect(text).connection_pool
        pool.connection_class(**pool.connection_kwargs)
        parts = urlsplit(text)
        if parts.scheme == "unix" or (parts.hostname and parts.port != 0):
            return text
    raise ValueError(
        "redis://[user:password@]host[:port][/number], or the same with rediss or unix"
    )


@dataclass(frozen=True, kw_only=True)
class CacheSettings(StoreSettings):
    """Settings of the cache."""

    size: int = size_setting("64", "Megabytes that the server of docker-compose.yml keeps.")
    url: str = setting(
        "APP_CACHE_URL", "redis://127.0.0.1:6379/0", redis_url, "URL of the server.", secret=True
    )


class CacheStore(Store):
    """Keeps entries on the server."""

    def __init__(self, settings: CacheSettings) -> None:
        self._client = connect(settings.url)

    def get(self, key: str) -> bytes | None:
        value: bytes | None = self._call(self._client.get, key)
        return value

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        values = self._call(self._client.mget, keys)
        return {key: value for key, value in zip(keys, values, strict=True) if value is not None}

    def set(self, key: str, value: bytes, expiry: float) -> None:
        self._call(self._client.set, key, value, px=milliseconds(expiry))

    def delete(self, key: str) -> None:
        self._call(self._client.unlink, key)

    def clear(self, prefix: str) -> None:
        cursor = None
        while cursor != 0:
            cursor, keys = self._call(self._client.scan, cursor or 0, f"{prefix}*", 1000)
            if keys:
                self._call(self._client.unlink, *keys)

    def lock(self, key: str, seconds: float) -> Release | None:
        name, token = f"{key}:lock", secrets.token_bytes(8)
        if not self._call(self._client.set, name, token, nx=True, px=milliseconds(seconds)):
            return None
        return lambda: self._call(self._client.eval, RELEASE_SCRIPT, 1, name, token)

    def ping(self) -> None:
        self._call(self._client.ping)

    def _call(self, command: Callable[..., Any], *args: Any, **options: Any) -> Any:
        start_call()
        try:
            return command(*args, **options)
        except ResponseError as error:
            raise RefusedError(str(error)) from error


def milliseconds(seconds: float) -> int | None:
    """Return a time as Redis counts it; None means no expiry."""
    return max(1, round(seconds * 1000)) if seconds <= MAX_EXPIRY else None
