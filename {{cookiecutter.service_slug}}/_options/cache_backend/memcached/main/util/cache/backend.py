"""The store of the cache: memcached, on one or several servers that share the keys.

Keys contain versions of their prefixes, and a new version hides older entries ("namespaces" in the
memcached wiki). A server that was unreachable meanwhile may bring an old version back.
"""

import logging
import math
import os
import re
import secrets
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any
from zlib import crc32

import pymemcache  # type: ignore[import-untyped]
from pymemcache.client.rendezvous import RendezvousHash  # type: ignore[import-untyped]

from main.util.cache.store import RefusedError, Release, Store, StoreSettings, size_setting
from main.util.cache.timed_socket import TIMEOUT, TimedSocket, start_call
from main.util.config import setting

log = logging.getLogger(__name__)


def server_list(text: str) -> tuple[str, ...]:
    """Accept host:port, separated by commas; a host is a name or an IPv4 address."""
    servers = tuple(part.strip() for part in text.split(","))
    for server in servers:
        match = re.fullmatch(r"[A-Za-z0-9_.-]+:([1-9][0-9]{0,4})", server)
        if match is None or int(match[1]) > 65535 or servers.count(server) > 1:
            raise ValueError("different host:port addresses separated by commas")
    return servers


@dataclass(frozen=True, kw_only=True)
class CacheSettings(StoreSettings):
    """Settings of the cache."""

    size: int = size_setting("64", "Megabytes that each memcached of docker-compose.yml keeps.")
    servers: tuple[str, ...] = setting(
        "APP_CACHE_SERVERS", "127.0.0.1:11211", server_list, "Servers, as host:port,host:port."
    )


class CacheStore(Store):
    """Keeps entries on the servers; pymemcache replaces one that fails by the others."""

    def __init__(self, settings: CacheSettings) -> None:
        self._servers = settings.servers
        self._version = lru_cache(self._read_version)
        self._connect()
        if sys.platform != "win32":  # processes must not share connections
            os.register_at_fork(after_in_child=self._connect)

    def _connect(self) -> None:
        timed = {"socket": lambda *args: TimedSocket(socket.socket(*args))}
        self._client = pymemcache.HashClient(
            self._servers,
            hasher=partial(RendezvousHash, hash_function=_hash),  # ten times as fast as the default
            socket_module=SimpleNamespace(**vars(socket) | timed),
            connect_timeout=TIMEOUT,
            timeout=TIMEOUT,
            no_delay=True,
            use_pooling=True,
            retry_attempts=0,
            dead_timeout=2,  # seconds for which the others take over
            default_noreply=False,
        )

    def get(self, key: str) -> bytes | None:
        value: bytes | None = self._call("get", self._versioned(key))
        return value

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        names = {self._versioned(key): key for key in keys}
        found = self._call("get_many", list(names)) or {}
        return {names[name]: value for name, value in found.items()}

    def set(self, key: str, value: bytes, expiry: float) -> None:
        self._call("set", self._versioned(key), value, whole_seconds(expiry))

    def delete(self, key: str) -> None:
        self._call("delete", self._versioned(key))

    def clear(self, prefix: str) -> None:
        self._call("set", f"{prefix}version", b"%d" % time.time_ns())
        self._version.cache_clear()

    def lock(self, key: str, seconds: float) -> Release | None:
        name, token = f"{self._versioned(key)}:lock", secrets.token_bytes(8)
        if not self._call("add", name, token, whole_seconds(seconds)):
            return None

        def release() -> None:
            value, version = self._call("gets", name) or (None, None)
            if value == token:
                self._call("cas", name, b"", version, -1)  # -1: expired at once

        return release

    def ping(self) -> None:
        for client in self._client.clients.values():
            start_call()
            client.version()

    def _versioned(self, key: str) -> str:
        """Return the key with the versions of its service and its function."""
        second = int(time.monotonic())
        service, function = key[: key.index(":") + 1], key[: key.rindex(":") + 1]
        return f"{self._version(service, second) + self._version(function, second):x}:{key}"

    def _read_version(self, prefix: str, second: int) -> int:
        """Return the version of a prefix in this second; create it if there is none."""
        name, created = f"{prefix}version", b"%d" % time.time_ns()
        version = self._call("get", name)
        if version is None and not self._call("add", name, created):
            version = self._call("get", name)  # another process was faster
        return int(version or created)

    def _call(self, command: str, *arguments: Any) -> Any:
        """Return the reply, or None if a server failed whose keys others take over."""
        start_call()
        try:
            return getattr(self._client, command)(*arguments)
        except pymemcache.MemcacheUnexpectedCloseError:
            return None  # the server was restarted, and is empty
        except (pymemcache.MemcacheClientError, pymemcache.MemcacheServerError) as error:
            raise RefusedError(str(error)) from error
        except Exception as error:
            if not self._client.hasher.nodes:
                raise
            log.warning("cache.server_down", extra={"reason": repr(error)})
            return None


def _hash(text: str, seed: int) -> int:
    return crc32(text.encode()) * 2654435761 % 2**32  # Knuth's factor spreads similar CRCs


def whole_seconds(seconds: float) -> int:
    """Return a time for memcached: it ticks once a second, and takes over 30 days as a date."""
    return math.ceil(min(seconds + 1, 30 * 24 * 3600))
