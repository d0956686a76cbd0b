"""Cache: how long results are returned, and when stale ones are (RFC 5861)."""

import math

from main.util import cache
from main.util.cache import cached
from test.util.cache.case import CacheCase


class TestFreshness(CacheCase):
    def test_a_result_is_fresh_for_its_ttl(self) -> None:
        for ttl, seconds in ((0.5, 0.5), (None, 300), (math.inf, 1e9)):
            with self.subTest(ttl):
                self.store.entries.clear()

                @cached(ttl=ttl, stale_for=0)
                def compute() -> int:
                    return self.work()

                first = compute()
                self.clock.now += seconds - 0.1
                self.assertEqual(compute(), first)
                self.assertEqual(self.store.expiries[compute.cache_key()], ttl or 300)
                self.clock.now += 0.1
                self.assertEqual(compute() == first, ttl == math.inf)

    def test_one_caller_renews_a_stale_result_while_others_get_it(self) -> None:
        self.compute()
        self.clock.now += 10
        with self.in_background(self.compute) as renewal:
            self.assertEqual(self.compute(), 1)
        self.assertEqual(renewal.result(), 2)
        self.assertEqual(self.compute(), 2)
        self.assertEqual(self.outcomes, ["miss", "stale", "miss", "hit"])

    def test_a_stale_result_replaces_an_exception(self) -> None:
        self.compute()
        self.work.error = ConnectionError("down")
        self.clock.now += 29.9
        with self.assertLogs("main.util.cache", "WARNING") as logs:
            self.assertEqual(self.compute(), 1)
        self.assertEqual(logs.records[0].getMessage(), "cache.stale")
        self.assertTrue(logs.records[0].exc_info)
        for seconds in (0.1, 60):
            self.clock.now += seconds
            with self.assertRaises(ConnectionError):
                self.compute()
        self.assertEqual(self.outcomes, ["miss", "stale"])

    def test_a_result_is_stale_for_a_minute_by_default(self) -> None:
        @cached
        def compute() -> int:
            return self.work()

        compute()
        self.assertEqual(self.store.expiries[compute.cache_key()], 360)
        self.work.error = ConnectionError("down")
        self.clock.now += 359
        with self.assertLogs("main.util.cache", "WARNING"):
            self.assertEqual(compute(), 1)


class TestInvalidation(CacheCase):
    def test_one_call_one_function_or_everything_is_cleared(self) -> None:
        @cached
        def other(number: int) -> int:
            return self.work(number)

        def call_all() -> list[int]:
            return [self.compute(1), self.compute(2), other(1)]

        self.assertEqual(call_all(), [1, 2, 3])
        with self.assertNoLogs("main.util.cache", "WARNING"):
            self.compute.cache_clear(number=1)
        self.assertEqual(call_all(), [4, 2, 3])
        self.compute.cache_clear()
        self.assertEqual(call_all(), [5, 6, 3])
        cache.clear()
        self.assertEqual(call_all(), [7, 8, 9])
