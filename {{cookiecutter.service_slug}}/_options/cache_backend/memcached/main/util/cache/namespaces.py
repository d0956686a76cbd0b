"""Namespaces: invalidate all keys with a prefix, although memcached cannot list its keys.

Keys contain a version of their function and their service. With a new version, older entries are
not found any more, and memcached evicts them. The memcached wiki calls this idiom "namespaces".
"""

import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any
from zlib import crc32

from pymemcache.client.rendezvous import RendezvousHash  # type: ignore[import-untyped]

# Seconds after which a process sees the versions that others have changed.
REFRESH_INTERVAL = 1.0


class ServerHash(RendezvousHash):  # type: ignore[misc]
    """Finds the server of a key; one that ends with `@` and a server belongs to that server."""

    def __init__(self) -> None:
        super().__init__(hash_function=_hash)

    def get_node(self, key: str) -> Any:
        server = key.rpartition("@")[2]
        return server if server in self.nodes else super().get_node(key)


class Namespaces:
    """Versions of prefixes. Every server has a copy, so that the loss of one loses no version."""

    def __init__(self, servers: Sequence[str], call: Callable[..., Any]) -> None:
        self._servers = servers
        self._call = call
        self._versions: dict[str, tuple[float, str]] = {}

    def versioned_key(self, key: str) -> str:
        """Return the key with the versions of its service and its function."""
        prefix, _, arguments = key.rpartition(":")
        expiry, version = self._versions.get(prefix, (0.0, ""))
        if time.monotonic() >= expiry:
            service = prefix.partition(":")[0]
            versions = f"{self._read(f'{service}:')} {self._read(f'{prefix}:')}"
            version = blake2b(versions.encode(), digest_size=6).hexdigest()
            self._versions[prefix] = time.monotonic() + REFRESH_INTERVAL, version
        return f"{prefix}:{version}:{arguments}"

    def invalidate(self, prefix: str) -> None:
        """Give the prefix a new version."""
        version = max(time.time_ns(), self._read(prefix) + 1)
        for name in self.names(prefix):
            self._call("set", name, b"%d" % version)
        self._versions.clear()

    def names(self, prefix: str) -> list[str]:
        """Return the key of the prefix's version on each server."""
        return [f"{prefix}version@{server}" for server in self._servers]

    def _read(self, prefix: str) -> int:
        return max(int(self._call("get", name) or 0) for name in self.names(prefix))


def _hash(text: str, seed: int) -> int:
    # Fibonacci hashing: a CRC-32 alone would spread the keys unevenly. The default takes ten times
    # as long.
    return crc32(text.encode()) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
