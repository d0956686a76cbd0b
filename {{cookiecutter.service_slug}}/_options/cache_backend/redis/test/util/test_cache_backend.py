"""The store in Redis; the server is a stand-in here."""

import unittest
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any
from unittest import mock

from redis.exceptions import OutOfMemoryError

from main.util.cache_backend import Backend, CacheSettings
from main.util.config import SettingError, load


class Server:
    """Answers like a client whose server keeps everything."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.expiry: dict[str, int | None] = {}
        self.full = False

    def get(self, key: str) -> bytes | None:
        return self.held.get(key)

    def set(self, key: str, value: bytes, px: int | None = None, nx: bool = False) -> bool | None:
        if self.full:
            raise OutOfMemoryError("OOM command not allowed")
        if nx and key in self.held:
            return None
        self.held[key], self.expiry[key] = value, px
        return True

    def unlink(self, key: str) -> None:
        self.held.pop(key, None)

    def scan_iter(self, pattern: str, count: int) -> Iterator[str]:
        # A backslash takes a character's meaning away; Python writes that as a set of one.
        python = "".join(f"[{part[0]}]{part[1:]}" for part in pattern.split("\\")[1:])
        pattern = pattern.split("\\")[0] + python
        yield from [key for key in self.held if fnmatchcase(key, pattern)]

    def eval(self, _: str, count: int, key: str, token: bytes) -> None:
        if self.held[key] == token:
            del self.held[key]

    def ping(self) -> bool:
        raise ConnectionError("down")


class TestRedis(unittest.TestCase):
    """What is kept where, and for how long."""

    def setUp(self) -> None:
        self.server = Server()
        with mock.patch("main.util.cache_backend.connect", return_value=self.server):
            self.backend = Backend(mock.Mock(url="redis://host"))

    def test_what_was_set_is_there(self) -> None:
        self.assertIsNone(self.backend.get("a"))
        self.assertTrue(self.backend.set("a", b"1", 1.5))
        self.assertEqual((self.backend.get("a"), self.server.expiry["a"]), (b"1", 1500))
        self.backend.set("a", b"2", None)
        self.assertEqual((self.backend.get("a"), self.server.expiry["a"]), (b"2", None))
        self.backend.set("a", b"2", 1e-9)
        self.assertEqual(self.server.expiry["a"], 1)
        self.backend.delete("a")
        self.assertIsNone(self.backend.get("a"))

    def test_a_full_server_takes_nothing(self) -> None:
        self.server.full = True
        self.assertFalse(self.backend.set("a", b"1", None))

    def test_clearing_by_the_beginning_of_the_keys(self) -> None:
        keys = ("a[1]*?:x", "a[1]*?:y", "a1:x", "a[1]zz:x")
        for key in keys:
            self.backend.set(key, b"1", None)
        self.backend.clear("a[1]*?:")
        self.assertEqual([self.backend.get(key) for key in keys], [None, None, b"1", b"1"])

    def test_a_lock_is_released_by_its_owner_only(self) -> None:
        first = self.backend.lock("a", 1)
        assert first is not None
        self.assertIsNone(self.backend.lock("a", 1))
        self.assertEqual(self.server.expiry["a:lock"], 1000)
        del self.server.held["a:lock"]  # its time is over
        second = self.backend.lock("a", 1)
        assert second is not None
        first()
        self.assertIsNone(self.backend.lock("a", 1))
        second()
        self.assertIsNotNone(self.backend.lock("a", 1))

    def test_a_ping_tells(self) -> None:
        with self.assertRaises(ConnectionError):
            self.backend.ping()


class TestSettings(unittest.TestCase):
    """The address is checked at the start, and shown nowhere."""

    def test_addresses(self) -> None:
        for url in (
            "redis://host",
            "rediss://user:secret@host:6380/2",
            "redis://[::1]:6379/0",
            "unix:///run/redis.sock?db=1",
        ):
            self.assertEqual(load(CacheSettings, {"APP_CACHE_URL": url}).url, url)

    def test_what_is_none_is_refused(self) -> None:
        for url in (
            "",
            "host:6379",
            "http://:secret@host",
            "redis://",
            "redis://host:0",
            "redis://host:99999",
            "redis://host:secret",
            "redis://host?socket_timeout=secret",
            "redis://host?secret=1",
        ):
            with self.subTest(url), self.assertRaises(SettingError) as caught:
                load(CacheSettings, {"APP_CACHE_URL": url})
            self.assertRegex(str(caught.exception), r"^APP_CACHE_URL must be redis://")
            self.assertNotIn("secret", str(caught.exception))

    def test_nothing_waits_for_long(self) -> None:
        connection: dict[str, Any] = Backend(load(CacheSettings))._client.get_connection_kwargs()
        self.assertLessEqual(connection["socket_timeout"], 0.5)
        self.assertLessEqual(connection["socket_connect_timeout"], 0.5)
        self.assertEqual(connection["retry"].get_retries(), 0)
