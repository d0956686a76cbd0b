"""The store in memcached; the servers are stand-ins here."""

import os
import unittest
from typing import Any, ClassVar
from unittest import mock

from pymemcache.client.hash import HashClient  # type: ignore[import-untyped]
from pymemcache.exceptions import (  # type: ignore[import-untyped]
    MemcacheServerError,
    MemcacheUnexpectedCloseError,
)

from main.util.cache_backend import AWAY, NOTICE, SLOTS, Backend, CacheSettings, Ring, expiry
from main.util.config import SettingError, load

SERVERS = ("a:1", "b:2", "c:3")


class Server:
    """Answers like the client of one server, which keeps everything."""

    held: ClassVar[dict[str, dict[str, tuple[bytes, int]]]] = {}
    fails: ClassVar[dict[str, list[Exception]]] = {}

    def __init__(self, server: tuple[str, int], **_: Any) -> None:
        self.server = server
        self.name = "{}:{}".format(*server)

    def contents(self) -> dict[str, tuple[bytes, int]]:
        """Return what it holds, unless it fails."""
        if failures := self.fails.get(self.name):
            raise failures.pop() if len(failures) > 1 else failures[0]
        return self.held.setdefault(self.name, {})

    def get(self, key: str, default: None = None) -> bytes | None:
        return self.contents().get(key, (default, 0))[0]

    def gets(self, key: str, **_: None) -> tuple[bytes | None, bytes | None]:
        return self.get(key), b"1"

    def set(self, key: str, value: bytes, expire: int = 0) -> bool:
        self.contents()[key] = value, expire
        return True

    def add(self, key: str, value: bytes, expire: int = 0) -> bool:
        return key not in self.contents() and self.set(key, value, expire)

    def cas(self, key: str, value: bytes, unique: bytes, expire: int) -> bool:
        assert expire == -1
        self.delete(key)
        return True

    def delete(self, key: str) -> None:
        self.contents().pop(key, None)


class MemcachedCase(unittest.TestCase):
    """A test with servers of its own, and with a clock."""

    def setUp(self) -> None:
        self.now = 1_000_000.0
        for patch in (
            mock.patch("pymemcache.client.hash.PooledClient", Server),
            mock.patch.dict(Server.held, clear=True),
            mock.patch.dict(Server.fails, clear=True),
            mock.patch("time.monotonic", side_effect=lambda: self.now),
            mock.patch("time.time", side_effect=lambda: self.now),
            mock.patch("time.time_ns", side_effect=lambda: int(self.now * 1e9)),
        ):
            patch.start()
            self.addCleanup(patch.stop)
        self.backend = self.make()

    def make(self) -> Backend:
        """Return the store of a process."""
        return Backend(mock.Mock(servers=SERVERS))


class TestEntries(MemcachedCase):
    """What is kept where, and for how long."""

    def test_what_was_set_is_there(self) -> None:
        self.assertIsNone(self.backend.get("s:f:1:x"))
        self.assertTrue(self.backend.set("s:f:1:x", b"1", 60))
        self.assertEqual(self.make().get("s:f:1:x"), b"1")
        self.backend.delete("s:f:1:x")
        self.assertIsNone(self.backend.get("s:f:1:x"))

    def test_times(self) -> None:
        month = 30 * 24 * 3600
        self.assertEqual(
            [expiry(each) for each in (None, 0.2, 1, month - 1, month)],
            [0, 2, 2, month, month + 1 + 1_000_000],
        )

    def test_what_is_too_large_is_refused(self) -> None:
        self.backend.get("s:f:1:x")
        refusal = {server: [MemcacheServerError("object too large")] for server in SERVERS}
        with mock.patch.dict(Server.fails, refusal):
            self.assertFalse(self.backend.set("s:f:1:x", b"1", None))

    def test_clearing_a_function_and_a_service(self) -> None:
        other = self.make()
        keys = ("s:f:1:x", "s:f:1:y", "s:g:1:x", "t:f:1:x")

        def left(backend: Backend) -> list[bool]:
            return [backend.get(key) is not None for key in keys]

        for key in keys:
            self.backend.set(key, b"1", None)
        self.assertEqual(left(other), [True] * 4)
        self.backend.clear("s:f:1:")
        self.assertEqual(left(self.backend), [False, False, True, True])
        self.now += NOTICE
        self.assertEqual(left(other), [False, False, True, True])
        self.backend.clear("s:")
        self.assertEqual(left(self.backend), [False, False, False, True])
        self.now += NOTICE
        self.assertEqual(left(other), [False, False, False, True])

    def test_clearing_with_a_clock_that_is_behind(self) -> None:
        self.backend.set("s:f:1:x", b"1", None)
        self.backend.clear("s:f:1:")
        self.backend.set("s:f:1:x", b"2", None)
        self.now -= 100
        self.backend.clear("s:f:1:")
        self.assertIsNone(self.backend.get("s:f:1:x"))

    def test_a_lock_is_released_by_its_owner_only(self) -> None:
        first = self.backend.lock("s:f:1:x", 1)
        assert first is not None
        self.assertIsNone(self.backend.lock("s:f:1:x", 1))
        for held in Server.held.values():
            for key in [key for key in held if key.endswith(":lock")]:
                del held[key]  # its time is over
        first()
        second = self.backend.lock("s:f:1:x", 1)
        assert second is not None
        first()
        self.assertIsNone(self.backend.lock("s:f:1:x", 1))
        second()
        self.assertIsNotNone(self.backend.lock("s:f:1:x", 1))


class TestFailures(MemcachedCase):
    """A server that fails is left out, and the others stand in for it."""

    def let_fail(self, *servers: str) -> None:
        """Let these servers fail, and no others."""
        Server.fails.clear()
        Server.fails.update({server: [TimeoutError("timed out")] for server in servers})

    def test_one_of_several(self) -> None:
        keys = [f"s:f:1:{number}" for number in range(30)]
        for key in keys:
            self.backend.set(key, b"1", None)
        self.let_fail("b:2")
        with self.assertLogs("main.util.cache_backend", "WARNING") as logs:
            kept = [key for key in keys if self.backend.get(key) == b"1"]
        self.assertEqual(len(logs.records), 1)
        self.assertTrue(10 < len(kept) < 30)
        for key in set(keys) - set(kept):
            self.backend.set(key, b"2", None)
            self.assertEqual(self.backend.get(key), b"2")
        self.let_fail()
        self.now += 2 * AWAY + 1
        self.assertEqual({self.backend.get(key) for key in keys}, {b"1"})

    def test_what_was_cleared_meanwhile_stays_so(self) -> None:
        self.backend.set("s:f:1:x", b"1", None)
        for server in SERVERS:
            self.let_fail(server)
            with self.assertLogs("main.util.cache_backend", "WARNING"):
                self.backend.clear("s:")
            self.backend.set("s:f:1:x", b"1", None)
            self.let_fail()
            self.now += 2 * AWAY + 1
            self.assertEqual(self.make().get("s:f:1:x"), self.backend.get("s:f:1:x"))

    def test_a_server_that_was_restarted_learns_what_was_cleared(self) -> None:
        self.backend.set("s:f:1:x", b"1", None)
        for server in SERVERS:
            kept = self.backend.get("s:f:1:x")
            marks = {key for key in Server.held[server] if "|" in key}
            for key in marks:
                del Server.held[server][key]
            self.now += NOTICE
            self.assertEqual(self.backend.get("s:f:1:x"), kept)
            self.assertLessEqual(marks, set(Server.held[server]))

    def test_all_of_them(self) -> None:
        self.let_fail(*SERVERS)
        with self.assertLogs("main.util.cache_backend", "WARNING"), self.assertRaises(OSError):
            self.backend.get("s:f:1:x")
        with self.assertRaisesRegex(Exception, "All servers"):
            self.backend.set("s:f:1:x", b"1", None)
        self.let_fail()
        self.now += 2 * AWAY + 1
        self.assertTrue(self.backend.set("s:f:1:x", b"1", None))

    def test_a_connection_from_before_a_restart(self) -> None:
        self.backend.set("s:f:1:x", b"1", None)
        for server in SERVERS:
            Server.fails[server] = [MemcacheUnexpectedCloseError()]
        with self.assertLogs("main.util.cache_backend", "WARNING"):
            self.assertIsNone(self.backend.get("s:f:1:x"))
        replies = [MemcacheUnexpectedCloseError(), b"1"]
        with mock.patch.object(HashClient, "get", side_effect=replies):
            self.assertEqual(self.backend.get("s:f:1:x"), b"1")

    def test_a_ping_names_who_is_silent(self) -> None:
        self.backend.ping()
        self.let_fail("b:2")
        with (
            self.assertLogs("main.util.cache_backend", "WARNING"),
            self.assertRaisesRegex(ConnectionError, "no answer from b:2$"),
        ):
            self.backend.ping()

    def test_after_a_fork_there_are_new_connections(self) -> None:
        self.backend.get("s:f:1:x")
        before = self.backend._client
        with mock.patch.object(os, "getpid", return_value=-1):
            self.backend.get("s:f:1:x")
        self.assertIsNot(self.backend._client, before)


class TestRing(unittest.TestCase):
    """Keys are spread evenly, and few of them move."""

    def setUp(self) -> None:
        self.ring = Ring()
        self.assertIsNone(self.ring.get_node("key"))
        for node in (*SERVERS, SERVERS[0]):
            self.ring.add_node(node)

    def test_evenly(self) -> None:
        nodes = [self.ring.get_node(f"key {number}") for number in range(10 * SLOTS)]
        for node in SERVERS:
            self.assertAlmostEqual(nodes.count(node) / len(nodes), 1 / 3, delta=0.05)

    def test_only_the_keys_of_a_lost_server_move(self) -> None:
        keys = [f"key {number}" for number in range(1000)]
        before = {key: self.ring.get_node(key) for key in keys}
        self.ring.remove_node("b:2")
        for key in keys:
            if before[key] != "b:2":
                self.assertEqual(self.ring.get_node(key), before[key])
        self.ring.add_node("b:2")
        self.assertEqual({key: self.ring.get_node(key) for key in keys}, before)

    def test_a_key_may_name_its_server(self) -> None:
        for node in SERVERS:
            self.assertEqual(self.ring.get_node(f"{node}|key"), node)
        self.assertIn(self.ring.get_node("gone:1|key"), SERVERS)


class TestSettings(unittest.TestCase):
    """Servers are addresses."""

    def test_good_ones(self) -> None:
        for text, found in {
            "a:11211": ("a:11211",),
            " a:1 , b:65535": ("a:1", "b:65535"),
            "cache-0.cache.svc:11211,10.0.0.1:1": ("cache-0.cache.svc:11211", "10.0.0.1:1"),
        }.items():
            self.assertEqual(load(CacheSettings, {"APP_CACHE_SERVERS": text}).servers, found)

    def test_bad_ones_are_refused(self) -> None:
        for text in (
            *("", "a", "a:", ":1", "a:0", "a:65536", "a:x", "a b:1", "::1:1"),
            *("a:1,", "a:1;b:1", "a:1,a:1"),
        ):
            with (
                self.subTest(text),
                self.assertRaisesRegex(SettingError, "^APP_CACHE_SERVERS must"),
            ):
                load(CacheSettings, {"APP_CACHE_SERVERS": text})
