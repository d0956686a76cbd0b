"""Cache: a store that fails, refuses or returns something else makes no call fail."""

from typing import Any
from unittest import mock

from main.util import cache
from main.util.cache import cached
from main.util.cache.store import RefusedError
from test.util.cache.case import CacheCase


class TestFailingStore(CacheCase):
    """Results are computed without the store."""

    def setUp(self) -> None:
        super().setUp()

        @cached(ttl=10)
        def compute() -> int:
            return self.work()

        self.compute = compute

    def test_a_store_that_fails_is_called_once(self) -> None:
        self.store.error = ConnectionError("gone")
        with self.assertLogs("main.util.cache", "WARNING") as logs:
            self.assertEqual([self.compute(), self.compute()], [1, 2])
        self.assertEqual(self.store.commands, ["get"])
        self.assertEqual(self.outcomes, ["error", "bypass"])
        self.assertEqual([each.getMessage() for each in logs.records], ["cache.down"])
        self.assertEqual(vars(logs.records[0])["reason"], "ConnectionError: gone")

    def test_a_store_is_used_again_after_the_reset_timeout(self) -> None:
        self.store.error = ConnectionError("gone")
        with (
            mock.patch("main.util.cache.circuit_breaker.RESET_TIMEOUT", 0.0),
            self.assertLogs("main.util.cache", "INFO") as logs,
        ):
            self.compute()
            self.store.error = None
            self.assertEqual([self.compute(), self.compute()], [2, 2])
        self.assertEqual([each.getMessage() for each in logs.records], ["cache.down", "cache.up"])

    def test_reads_go_on_when_writes_are_refused(self) -> None:
        def refuse_writes(command: str) -> None:
            if command not in ("get", "get_many"):
                raise RefusedError("read-only")

        self.compute()
        self.store.before = refuse_writes
        self.assertEqual([self.compute(), self.compute()], [1, 1])
        self.clock.now += 100
        with self.assertLogs("main.util.cache", "WARNING") as logs:
            self.assertEqual([self.compute(), self.compute()], [2, 3])
        self.assertEqual([each.getMessage() for each in logs.records], ["cache.refused"])
        self.assertEqual(vars(logs.records[0])["reason"], "read-only")
        self.assertEqual(self.outcomes, ["miss", "hit", "hit", "miss", "miss"])

    def test_a_failed_invalidation_is_logged(self) -> None:
        self.compute()
        self.store.error = RefusedError("read-only")
        for invalidate in (self.compute.cache_clear, cache.clear):
            with self.assertLogs("main.util.cache", "WARNING") as logs:
                invalidate()
            self.assertEqual(logs.records[0].getMessage(), "cache.invalidation_failed")
        self.store.error = None
        self.assertEqual(self.compute(), 1)

    def test_several_lookups_fail_as_one(self) -> None:
        squares: Any = cache.cached_many(lambda items: [item * item for item in items])
        self.store.error = ConnectionError("gone")
        with self.assertLogs("main.util.cache", "WARNING"):
            self.assertEqual(squares([1, 2]), [1, 4])
        self.assertEqual(self.outcomes, ["error", "error"])

    def test_a_lock_that_cannot_be_released_is_left_to_its_timeout(self) -> None:
        def fail() -> None:
            raise ConnectionError("gone")

        with (
            mock.patch.object(self.store, "lock", return_value=fail),
            self.assertLogs("main.util.cache", "WARNING"),
        ):
            self.assertEqual(self.compute(), 1)

    def test_a_corrupt_entry_is_a_miss(self) -> None:
        self.compute()
        key = self.compute.cache_key()
        for number, data in enumerate((b"", b"{", self.store.entries[key][1:]), start=2):
            self.store.entries[key] = data
            with self.assertLogs("main.util.cache", "WARNING") as logs:
                self.assertEqual(self.compute(), number)
            self.assertEqual(logs.records[0].getMessage(), "cache.corrupt_entry")
        self.assertEqual(self.outcomes, ["miss", "error", "error", "error"])

    def test_a_ping_raises_the_error_of_the_store(self) -> None:
        cache.ping()
        self.store.error = ConnectionError("gone")
        with self.assertRaises(ConnectionError):
            cache.ping()
