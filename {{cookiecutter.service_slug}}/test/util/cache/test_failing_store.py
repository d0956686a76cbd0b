"""Cache: a store that fails, refuses or returns something else makes no call fail."""

from functools import partial

from main.util import cache
from main.util.cache.store import RefusedError
from test.util.cache.case import CacheCase


class TestFailingStore(CacheCase):
    def test_a_store_that_fails_is_called_once(self) -> None:
        self.store.error = ConnectionError("gone")
        with self.assertLogs("main.util.cache", "WARNING") as logs:
            self.assertEqual([self.compute(), self.compute()], [1, 2])
        self.assertEqual(self.store.commands, ["get"])
        self.assertEqual(self.outcomes, ["error", "bypass"])
        self.assertEqual([each.getMessage() for each in logs.records], ["cache.down"])

    def test_reads_go_on_when_writes_are_refused(self) -> None:
        def refuse_writes(command: str) -> None:
            if command not in ("get", "get_many"):
                raise RefusedError("read-only")

        self.compute()
        self.store.before = refuse_writes
        self.assertEqual(self.compute(), 1)
        self.clock.now += 100
        with self.assertLogs("main.util.cache", "WARNING") as logs:
            self.assertEqual([self.compute(), self.compute()], [2, 3])
        self.assertEqual([each.getMessage() for each in logs.records], ["cache.refused"])
        self.assertEqual(self.store.commands.count("lock"), 3)
        self.assertEqual(self.outcomes, ["miss", "hit", "miss", "miss"])

    def test_a_failed_invalidation_is_logged(self) -> None:
        self.compute()
        self.store.error = RefusedError("read-only")
        for invalidate in (partial(self.compute.cache_clear, 0), cache.clear):
            with self.assertLogs("main.util.cache", "WARNING") as logs:
                invalidate()
            self.assertEqual(logs.records[-1].getMessage(), "cache.invalidation_failed")
        self.store.error = None
        self.assertEqual(self.compute(), 1)

    def test_a_corrupt_entry_is_a_miss(self) -> None:
        self.store.entries[self.compute.cache_key()] = b"{"
        with self.assertLogs("main.util.cache", "WARNING"):
            self.assertEqual([self.compute(), self.compute()], [1, 1])
        self.assertEqual(self.outcomes, ["error", "hit"])

    def test_a_ping_raises_the_error_of_the_store(self) -> None:
        cache.ping()
        self.store.error = ConnectionError("gone")
        with self.assertRaises(ConnectionError):
            cache.ping()
