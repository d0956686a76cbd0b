"""The cache's store: memcached, on one server or several, shared by all who know them."""

import logging
import math
import os
import re
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from hashlib import blake2b
from typing import Any
from zlib import crc32

import environ
from pymemcache.client.hash import HashClient  # type: ignore[import-untyped]
from pymemcache.exceptions import (  # type: ignore[import-untyped]
    MemcacheClientError,
    MemcacheServerError,
    MemcacheUnexpectedCloseError,
)

from main.util.config import seconds, setting, whole

log = logging.getLogger(__name__)

# Seconds for a connection, and for an answer.
TIMEOUT = 0.25
# Seconds for which a server that failed is left out, while others stand in for it.
AWAY = 2.0
# Connections, at most, that a server which was restarted leaves behind: each is found out once.
IDLE = 64
# Seconds after which the other processes know of a `clear`.
NOTICE = 1.0
# Seconds. The protocol takes a larger number for a date.
RELATIVE = 30 * 24 * 3600
# Parts of the key space; each belongs to one server.
SLOTS = 1024


def servers(text: str) -> tuple[str, ...]:
    """Accept host:port, separated by commas; a host is a name or an IPv4 address."""
    found = tuple(part.strip() for part in text.split(","))
    for server in found:
        match = re.fullmatch(r"[A-Za-z0-9_.-]+:([1-9][0-9]{0,4})", server)
        if match is None or int(match[1]) > 65535 or found.count(server) > 1:
            raise ValueError("different host:port addresses separated by commas")
    return found


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
        "Megabytes that each memcached of docker-compose.yml keeps.",
    )
    servers: tuple[str, ...] = setting(
        "APP_CACHE_SERVERS",
        "127.0.0.1:11211",
        servers,
        "Servers, as host:port separated by commas.",
    )


class Backend:
    """Keeps the entries on the servers; one that fails is left out for a while."""

    def __init__(self, settings: CacheSettings) -> None:
        self._servers = settings.servers
        self._pid = 0

    def get(self, key: str) -> bytes | None:
        """Return what is kept under the key, or None."""
        value: bytes | None = self._ask("get", self._spelt(key))
        return value

    def set(self, key: str, value: bytes, timeout: float | None) -> bool:
        """Keep the value, which need not be for longer than so many seconds; tell if it is kept."""
        try:
            return bool(self._ask("set", self._spelt(key), value, expiry(timeout)))
        except Exception as error:
            if refused(error):
                return False
            raise

    def delete(self, key: str) -> None:
        """Delete what is kept under the key."""
        self._ask("delete", self._spelt(key))

    def clear(self, prefix: str) -> None:
        """Delete every entry whose key starts so: a service's, or one of its functions'."""
        mark = max(time.time_ns(), self._mark(prefix) + 1)
        for server in self._servers:
            self._ask("set", f"{server}|{prefix}", b"%d" % mark)
        self._marks.clear()

    def lock(self, key: str, seconds: float) -> Callable[[], None] | None:
        """Return what releases the key's lock, or None if another holds it.

        It is released by itself after so many seconds, or up to two more.
        """
        name, token = f"{self._spelt(key)}:lock", secrets.token_bytes(8)
        if not self._ask("add", name, token, expiry(seconds)):
            return None

        def release() -> None:
            held, unique = self._ask("gets", name) or (None, None)
            if held == token:
                self._ask("cas", name, b"", unique, -1)  # expired at once

        return release

    def ping(self) -> None:
        """Raise `ConnectionError` if a server does not answer."""
        for server in self._servers:
            self._ask("get", f"{server}|ping")
        if silent := set(self._servers).difference(self._client.hasher.nodes):
            raise ConnectionError(f"no answer from {', '.join(sorted(silent))}")

    def _ask(self, command: str, key: str, *arguments: Any) -> Any:
        """Return the answer, or None if the key's server fails and others are left."""
        if self._pid != os.getpid():
            self._connect()  # after a fork: a connection serves one process
        try:
            return getattr(self._client, command)(key, *arguments)
        except MemcacheUnexpectedCloseError:
            return self._ask_again(partial(getattr(self._client, command), key, *arguments))
        except Exception as error:
            return self._do_without(error)

    def _ask_again(self, call: Callable[[], Any]) -> Any:
        """Return the answer on a connection that is not left from before a restart."""
        try:
            for _ in range(IDLE):
                with suppress(MemcacheUnexpectedCloseError):
                    return call()
            return call()
        except Exception as error:
            return self._do_without(error)

    def _do_without(self, error: Exception) -> None:
        """Return if there are other servers; raise the error if not, or if it is an answer."""
        if not self._client.hasher.nodes or refused(error):
            raise error
        log.warning("cache.server_down", extra={"reason": repr(error), "seconds": AWAY})

    def _connect(self) -> None:
        self._client = HashClient(
            list(self._servers),
            hasher=Ring,
            connect_timeout=TIMEOUT,
            timeout=TIMEOUT,
            no_delay=True,
            use_pooling=True,
            retry_attempts=0,
            dead_timeout=AWAY,
            default_noreply=False,
        )
        self._marks: dict[str, tuple[float, str]] = {}
        self._pid = os.getpid()

    def _spelt(self, key: str) -> str:
        """Return the key as the servers know it.

        Nobody can list a server's keys. Those of a service and of a function have a mark in
        them instead, and with a new one all entries so far are never found again.
        """
        if self._pid != os.getpid():
            self._connect()
        group, _, call = key.rpartition(":")
        now = time.monotonic()
        known = self._marks.get(group)
        if known is None or now >= known[0]:
            service = group.partition(":")[0]
            marks = f"{self._mark(f'{service}:')} {self._mark(f'{group}:')}"
            digest = blake2b(marks.encode(), digest_size=6).hexdigest()
            known = self._marks[group] = now + NOTICE, f"{group}:{digest}:"
        return known[1] + call

    def _mark(self, prefix: str) -> int:
        """Return the latest mark that any server has; give it to those that have none."""
        names = [f"{server}|{prefix}" for server in self._servers]
        found = {name: int(self._ask("get", name) or 0) for name in names}
        latest = max(found.values())
        for name in names:
            if not found[name]:
                # Of several who do this at the same time, the first decides for all.
                self._ask("add", name, b"%d" % (latest or time.time_ns()))
                latest = max(latest, int(self._ask("get", name) or 0))
        return latest


def refused(error: Exception) -> bool:
    """Tell whether a server said this: a value is too large, say, or no memory is left."""
    said = isinstance(error, (MemcacheClientError, MemcacheServerError))
    return said and not isinstance(error, MemcacheUnexpectedCloseError)


def expiry(timeout: float | None) -> int:
    """Return the time-out in the protocol's words: whole seconds, a date if it is long."""
    if timeout is None:
        return 0
    whole = math.ceil(timeout) + 1  # the server's clock ticks once a second
    return whole if whole <= RELATIVE else whole + int(time.time())


class Ring:
    """Tells which server has a key; when one comes or goes, the others keep theirs.

    The score of each server for each slot is looked up, not computed at every call.
    """

    def __init__(self) -> None:
        self.nodes: list[str] = []
        self._slots: list[str] = []

    def add_node(self, node: str) -> None:
        """Let a server take part."""
        self._distribute([*(each for each in self.nodes if each != node), node])

    def remove_node(self, node: str) -> None:
        """Give a server's keys to the others."""
        self._distribute([each for each in self.nodes if each != node])

    def get_node(self, key: str) -> str | None:
        """Return the server of a key, or the one before a | in the key; None without any."""
        named, mark, _ = key.partition("|")
        if mark and named in self.nodes:
            return named
        slots = self._slots
        return slots[crc32(key.encode()) % SLOTS] if slots else None

    def _distribute(self, nodes: list[str]) -> None:
        self.nodes = nodes
        self._slots = [
            max(nodes, key=lambda node: score(node, at)) for at in range(SLOTS if nodes else 0)
        ]


@cache
def score(node: str, slot: int) -> bytes:
    """Return how much a server wants a slot."""
    return blake2b(f"{node} {slot}".encode(), digest_size=8).digest()
