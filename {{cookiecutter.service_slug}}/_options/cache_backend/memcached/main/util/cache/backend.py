"""The store of the cache: memcached, on one or several servers that share the keys."""

import logging
import math
import os
import re
import secrets
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from pymemcache.client.hash import HashClient  # type: ignore[import-untyped]
from pymemcache.exceptions import (  # type: ignore[import-untyped]
    MemcacheClientError,
    MemcacheServerError,
    MemcacheUnexpectedCloseError,
)

from main.util.cache.namespaces import Namespaces, ServerHash
from main.util.cache.store import RefusedError, Release, Store, StoreSettings, size_setting
from main.util.cache.timed_socket import TIMEOUT, TimedSocket, start_call
from main.util.config import setting

log = logging.getLogger(__name__)

# Seconds for which other servers take over the keys of one that failed.
DEAD_TIMEOUT = 2.0
# Seconds. The protocol takes larger numbers as dates.
MAX_RELATIVE_EXPIRY = 30 * 24 * 3600


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
        "APP_CACHE_SERVERS",
        "127.0.0.1:11211",
        server_list,
        "Servers, as host:port separated by commas.",
    )


class CacheStore(Store):
    """Keeps entries on the servers; pymemcache replaces one that fails by the others."""

    def __init__(self, settings: CacheSettings) -> None:
        self._servers = settings.servers
        self._namespaces = Namespaces(settings.servers, self._call)
        self._connect()
        if sys.platform != "win32":
            # Processes must not share connections.
            os.register_at_fork(after_in_child=self._connect)

    def _connect(self) -> None:
        self._client = HashClient(
            list(self._servers),
            hasher=ServerHash,
            socket_module=SimpleNamespace(**{**vars(socket), "socket": _timed_socket}),
            connect_timeout=TIMEOUT,
            timeout=TIMEOUT,
            no_delay=True,
            use_pooling=True,
            retry_attempts=0,
            dead_timeout=DEAD_TIMEOUT,
            default_noreply=False,
        )

    def get(self, key: str) -> bytes | None:
        value: bytes | None = self._call("get", self._namespaces.versioned_key(key))
        return value

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        names = {self._namespaces.versioned_key(key): key for key in keys}
        found = self._call("get_many", list(names)) or {}
        return {names[name]: value for name, value in found.items()}

    def set(self, key: str, value: bytes, expiry: float) -> None:
        self._call("set", self._namespaces.versioned_key(key), value, relative_expiry(expiry))

    def delete(self, key: str) -> None:
        self._call("delete", self._namespaces.versioned_key(key))

    def clear(self, prefix: str) -> None:
        self._namespaces.invalidate(prefix)

    def lock(self, key: str, seconds: float) -> Release | None:
        name, token = f"{self._namespaces.versioned_key(key)}:lock", secrets.token_bytes(8)
        if not self._call("add", name, token, relative_expiry(seconds)):
            return None

        def release() -> None:
            value, version = self._call("gets", name) or (None, None)
            if value == token:
                self._call("cas", name, b"", version, -1)  # -1: expired at once

        return release

    def ping(self) -> None:
        for name in self._namespaces.names("ping:"):
            self._call("get", name)
        if silent := set(self._servers).difference(self._client.hasher.nodes):
            raise ConnectionError(f"no reply from {', '.join(sorted(silent))}")

    def _call(self, command: str, *arguments: Any) -> Any:
        """Return the reply, or None if a server failed whose keys others take over."""
        start_call()
        try:
            return getattr(self._client, command)(*arguments)
        except MemcacheUnexpectedCloseError:
            return None  # the server was restarted, and is empty
        except (MemcacheClientError, MemcacheServerError) as error:
            raise RefusedError(str(error)) from error
        except Exception as error:
            if not self._client.hasher.nodes:
                raise
            fields = {"reason": f"{type(error).__name__}: {error}", "seconds": DEAD_TIMEOUT}
            log.warning("cache.server_down", extra=fields)
            return None


def _timed_socket(*args: Any) -> TimedSocket:
    return TimedSocket(socket.socket(*args))


def relative_expiry(seconds: float) -> int:
    """Return whole seconds, or 0 for no expiry; the server's clock ticks once a second."""
    return math.ceil(seconds) + 1 if seconds < MAX_RELATIVE_EXPIRY else 0
