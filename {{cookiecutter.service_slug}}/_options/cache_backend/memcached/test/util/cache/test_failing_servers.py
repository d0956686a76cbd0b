"""The store in memcached: the other servers take over the keys of one that fails."""

from pymemcache.exceptions import MemcacheUnexpectedCloseError  # type: ignore[import-untyped]

from test.util.cache.memcached_case import SERVERS, FakeClient, MemcachedCase
from test.util.cache.store_contract import FIRST, key


class TestFailingServers(MemcachedCase):
    def setUp(self) -> None:
        super().setUp()
        self.store = self.new_store()

    def test_keys_of_the_other_servers_are_still_found(self) -> None:
        keys = [key(number) for number in range(60)]
        for each in keys:
            self.store.set(each, b"1", 60)
        self.let_fail("b:2")
        with self.assertLogs("main.util.cache.backend", "WARNING") as logs:
            found = [each for each in keys if self.store.get(each)]
        self.assertEqual(len(logs.records), 1)
        self.assertTrue(20 < len(found) < 55, len(found))
        for each in set(keys) - set(found):
            self.store.set(each, b"2", 60)
            self.assertEqual(self.store.get(each), b"2")
        self.revive()
        self.assertEqual({self.store.get(each) for each in keys}, {b"1"})

    def test_a_cleared_prefix_stays_so_whichever_server_fails(self) -> None:
        self.store.set(key(1), b"1", 60)
        self.store.clear(FIRST)
        for server in SERVERS:
            self.let_fail(server)
            with self.assertLogs("main.util.cache.backend", "WARNING"):
                self.assertIsNone(self.new_store().get(key(1)))
            self.revive()

    def test_all_servers_that_fail_are_an_error(self) -> None:
        self.let_fail(*SERVERS)
        with self.assertLogs("main.util.cache.backend", "WARNING"), self.assertRaises(OSError):
            self.store.get(key(1))
        with self.assertRaisesRegex(Exception, "All servers"):
            self.store.set(key(1), b"1", 60)
        self.revive()
        self.store.set(key(1), b"1", 60)

    def test_a_connection_from_before_a_restart_is_a_miss(self) -> None:
        self.store.get(key(1))
        for server in SERVERS:
            FakeClient.errors[server] = [MemcacheUnexpectedCloseError()]
        self.assertIsNone(self.store.get(key(1)))
        self.assertEqual(self.store.get_many([key(1)]), {})

    def test_a_ping_names_the_servers_that_do_not_reply(self) -> None:
        self.let_fail("b:2")
        with (
            self.assertLogs("main.util.cache.backend", "WARNING"),
            self.assertRaisesRegex(ConnectionError, "no reply from b:2$"),
        ):
            self.store.ping()
