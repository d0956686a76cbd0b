"""Cache: how long results are returned, and when stale ones are (RFC 5861)."""

import math
import threading

from main.util import cache
from main.util.cache import cached
from test.util.cache.case import TIMEOUT, CacheCase, in_background


class TestFreshness(CacheCase):
    """A result is fresh for its TTL."""

    def test_a_result_is_computed_again_after_its_ttl(self) -> None:
        @cached(ttl=0.5, stale_for=0)
        def compute() -> int:
            return self.work()

        self.assertEqual(compute(), 1)
        self.clock.now += 0.4
        self.assertEqual(compute(), 1)
        self.clock.now += 0.1
        self.assertEqual(compute(), 2)

    def test_the_setting_is_the_default_ttl(self) -> None:
        @cached(stale_for=0)
        def compute() -> int:
            return self.work()

        compute()
        self.clock.now += 299
        self.assertEqual(compute(), 1)
        self.clock.now += 1
        self.assertEqual(compute(), 2)

    def test_an_infinite_ttl_means_always_fresh(self) -> None:
        @cached(ttl=math.inf)
        def compute() -> int:
            return self.work()

        compute()
        self.clock.now += 1e9
        self.assertEqual(compute(), 1)
        self.assertEqual(self.store.expiries[compute.cache_key()], math.inf)

    def test_the_store_keeps_a_result_until_it_is_too_old(self) -> None:
        @cached(ttl=1.5, stale_for=2)
        def compute() -> int:
            return self.work()

        compute()
        self.assertEqual(self.store.expiries[compute.cache_key()], 3.5)


class TestStaleResults(CacheCase):
    """A stale result is returned while it is renewed, and if that fails."""

    def test_one_caller_renews_a_stale_result_while_others_get_it(self) -> None:
        started, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)

        @cached(ttl=1, stale_for=60)
        def compute() -> int:
            result = self.work()
            if result > 1:
                started.set()
                go_on.wait(TIMEOUT)
            return result

        compute()
        self.clock.now += 2
        with in_background(compute) as renewal:
            self.assertTrue(started.wait(TIMEOUT))
            self.assertEqual(compute(), 1)
            go_on.set()
            self.assertEqual(renewal.result(TIMEOUT), 2)
        self.assertEqual(compute(), 2)
        self.assertEqual(self.outcomes, ["miss", "stale", "miss", "hit"])

    def test_a_stale_result_replaces_an_exception(self) -> None:
        @cached(ttl=1, stale_for=60)
        def compute() -> int:
            return self.work()

        compute()
        self.clock.now += 2
        self.work.error = ConnectionError("down")
        with self.assertLogs("main.util.cache", "WARNING") as logs:
            self.assertEqual(compute(), 1)
        self.assertEqual(logs.records[0].getMessage(), "cache.stale")
        self.assertIsNotNone(logs.records[0].exc_info)
        self.assertEqual(self.outcomes, ["miss", "stale"])

    def test_a_result_that_is_too_old_does_not(self) -> None:
        @cached(ttl=1, stale_for=2)
        def compute() -> int:
            return self.work()

        compute()
        self.work.error = ConnectionError("down")
        for seconds in (3, 1):
            self.clock.now += seconds
            with self.assertRaises(ConnectionError):
                compute()

    def test_a_result_is_stale_for_a_minute_by_default(self) -> None:
        @cached(ttl=300)
        def compute() -> int:
            return self.work()

        compute()
        self.work.error = ConnectionError("down")
        self.clock.now += 300 + 59.5
        with self.assertLogs("main.util.cache", "WARNING"):
            self.assertEqual(compute(), 1)
        self.clock.now += 1
        with self.assertRaises(ConnectionError):
            compute()


class TestInvalidation(CacheCase):
    """Results can be invalidated."""

    def test_one_call_one_function_or_everything_is_cleared(self) -> None:
        @cached
        def first(a: int) -> int:
            return self.work(a)

        @cached
        def second(a: int) -> int:
            return self.work(a)

        def call_all() -> list[int]:
            return [first(1), first(2), second(1)]

        self.assertEqual(call_all(), [1, 2, 3])
        first.cache_clear(a=1)
        self.assertEqual(call_all(), [4, 2, 3])
        first.cache_clear()
        self.assertEqual(call_all(), [5, 6, 3])
        cache.clear()
        self.assertEqual(call_all(), [7, 8, 9])
