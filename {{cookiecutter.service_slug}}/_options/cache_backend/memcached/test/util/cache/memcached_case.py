"""Fakes of memcached servers, and the base class of their tests."""

import unittest
from collections.abc import Iterable
from itertools import repeat
from typing import Any, ClassVar
from unittest import mock

from main.util.cache.backend import CacheSettings, CacheStore

SERVERS = ("a:1", "b:2", "c:3")


class FakeClient:
    """The client of one server, which keeps everything unless it fails."""

    values: ClassVar[dict[str, dict[str, bytes]]] = {}
    errors: ClassVar[dict[str, Iterable[Exception]]] = {}
    options: ClassVar[dict[str, Any]] = {}

    def __init__(self, server: tuple[str, int], **options: Any) -> None:
        self.server = server
        self.options.update(options)

    @property
    def content(self) -> dict[str, bytes]:
        """Return the server's values, or raise its next error."""
        name = "{}:{}".format(*self.server)
        for error in self.errors.get(name, ()):
            raise error
        return self.values.setdefault(name, {})

    def get(self, key: str, default: None = None) -> bytes | None:
        return self.content.get(key, default)

    def get_many(self, keys: list[str]) -> dict[str, bytes]:
        return {key: self.content[key] for key in keys if key in self.content}

    def gets(self, key: str) -> tuple[bytes | None, bytes]:
        return self.get(key), b"1"

    def set(self, key: str, value: bytes, expire: int = 0) -> bool:
        self.content[key] = value
        return True

    def add(self, key: str, value: bytes, expire: int = 0) -> bool:
        return key not in self.content and self.set(key, value, expire)

    def cas(self, key: str, value: bytes, version: bytes, expire: int) -> None:
        assert (version, expire) == (b"1", -1)  # expired at once
        self.delete(key)

    def delete(self, key: str) -> None:
        self.content.pop(key, None)

    def version(self) -> int:
        return len(self.content)


class MemcachedCase(unittest.TestCase):
    """A test with three servers and a clock."""

    def setUp(self) -> None:
        self.now = 1_000_000.0
        for patch in (
            mock.patch("pymemcache.client.hash.PooledClient", FakeClient),
            mock.patch.dict(FakeClient.values, clear=True),
            mock.patch.dict(FakeClient.errors, clear=True),
            mock.patch("time.monotonic", side_effect=lambda: self.now),
            mock.patch("time.time", side_effect=lambda: self.now),
        ):
            patch.start()
            self.addCleanup(patch.stop)
        super().setUp()

    def new_store(self) -> CacheStore:
        """Return the store of one more process."""
        return CacheStore(CacheSettings(servers=SERVERS))

    def let_fail(self, *servers: str) -> None:
        """Let these servers fail, and no others."""
        FakeClient.errors.clear()
        FakeClient.errors.update({server: repeat(TimeoutError("timed out")) for server in servers})

    def revive(self) -> None:
        """Let all servers work again, and be used again."""
        self.let_fail()
        self.now += 5
