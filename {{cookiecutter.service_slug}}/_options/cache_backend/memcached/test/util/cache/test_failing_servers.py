"""The store in memcached: the other servers take over the keys of one that fails."""

from pymemcache import MemcacheUnexpectedCloseError  # type: ignore[import-untyped]

from test.util.cache.memcached_case import SERVERS, FakeClient, MemcachedCase
from test.util.cache.store_contract import key

KEYS = [key(number) for number in range(60)]


def has_version(server: str) -> bool:
    """Return whether the version of a prefix is on this server."""
    return any(name.endswith(":version") for name in FakeClient.values[server])


class TestFailingServers(MemcachedCase):
    def setUp(self) -> None:
        super().setUp()
        self.store = self.new_store()
        for each in KEYS:
            self.store.set(each, b"1", 60)

    def test_keys_of_the_other_servers_are_still_found(self) -> None:
        # Two prefixes have their versions on two servers at most.
        self.let_fail(next(server for server in SERVERS if not has_version(server)))
        with self.assertLogs("main.util.cache.backend", "WARNING") as logs:
            found = [each for each in KEYS if self.store.get(each)]
        self.assertEqual(len(logs.records), 1)
        self.assertTrue(25 < len(found) < 55, len(found))
        for each in set(KEYS) - set(found):
            self.store.set(each, b"2", 60)
            self.assertEqual(self.store.get(each), b"2")
        self.revive()
        self.assertEqual({self.store.get(each) for each in KEYS}, {b"1"})

    def test_prefixes_whose_version_is_lost_begin_without_entries(self) -> None:
        lost = next(server for server in SERVERS if has_version(server))
        self.let_fail(lost)
        FakeClient.values[lost].clear()
        self.now += 1
        with self.assertLogs("main.util.cache.backend", "WARNING"):
            self.assertEqual(self.store.get_many(KEYS), {})
        self.store.set(key(1), b"2", 60)
        self.assertEqual(self.new_store().get(key(1)), b"2")
        self.revive()
        self.assertEqual(self.store.get_many(KEYS), {})

    def test_all_servers_that_fail_are_an_error(self) -> None:
        self.let_fail(*SERVERS)
        with self.assertLogs("main.util.cache.backend", "WARNING"), self.assertRaises(OSError):
            for _ in SERVERS:
                self.store.get_many(KEYS)
        with self.assertRaisesRegex(Exception, "All servers"):
            self.store.set(key(1), b"1", 60)
        self.revive()
        self.store.set(key(1), b"1", 60)

    def test_a_connection_that_was_closed_is_a_miss(self) -> None:
        other = self.new_store()
        server = next(server for server in SERVERS if not has_version(server))
        FakeClient.errors[server] = iter([MemcacheUnexpectedCloseError()])
        self.assertLess(len(other.get_many(KEYS)), len(KEYS))
        self.assertEqual(other.get_many(KEYS), dict.fromkeys(KEYS, b"1"))

    def test_a_ping_asks_every_server(self) -> None:
        for server in SERVERS:
            self.let_fail(server)
            with self.subTest(server), self.assertRaises(TimeoutError):
                self.store.ping()
