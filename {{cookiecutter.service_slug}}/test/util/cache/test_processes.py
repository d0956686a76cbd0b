"""Cache: processes that share a store compute a result once."""

import threading
from unittest import mock

from main.util.cache import cached
from test.util.cache.case import TIMEOUT, CacheCase, in_background


class TestProcesses(CacheCase):
    """Processes share results, and lock a key while they compute its result."""

    def test_a_result_is_shared(self) -> None:
        @cached
        def compute() -> int:
            return self.work()

        self.assertEqual([compute(), self.in_other_process(compute)], [1, 1])

    def test_one_process_waits_for_the_other(self) -> None:
        started, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)

        @cached
        def compute() -> int:
            result = self.work()
            started.set()
            go_on.wait(TIMEOUT)
            return result

        with in_background(compute) as first:
            self.assertTrue(started.wait(TIMEOUT))

            def sleep(_: float) -> None:
                go_on.set()
                first.result(TIMEOUT)

            with mock.patch("time.sleep", side_effect=sleep):
                self.assertEqual(self.in_other_process(compute), 1)
        self.assertEqual(self.outcomes, ["miss", "hit"])

    def test_a_result_that_was_stored_meanwhile_is_used(self) -> None:
        @cached
        def compute() -> int:
            return self.work()

        def store_in_other_process(command: str) -> None:
            if command == "lock":
                self.store.before = lambda command: None
                self.in_other_process(compute)

        self.store.before = store_in_other_process
        self.assertEqual(compute(), 1)
        self.assertEqual(self.outcomes, ["miss", "hit"])

    def test_the_wait_for_a_lock_is_limited(self) -> None:
        @cached
        def compute() -> int:
            return self.work()

        self.store.locked.add(compute.cache_key())  # by a process that was killed
        now = [0.25]
        pauses: list[float] = []

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            now[0] += seconds + 0.0001  # as real sleeps, a little longer

        with (
            mock.patch("time.sleep", side_effect=sleep),
            mock.patch("time.monotonic", side_effect=lambda: now[0]),
        ):
            self.assertEqual(compute(), 1)
        self.assertEqual(pauses[:8], [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.05, 0.05])
        self.assertAlmostEqual(now[0], 1.25, delta=0.001)
        self.assertEqual(compute(), 1)

    def test_a_stale_result_is_returned_while_another_process_renews_it(self) -> None:
        @cached(ttl=1)
        def compute() -> int:
            return self.work()

        compute()
        self.clock.now += 2
        self.store.locked.add(compute.cache_key())
        self.assertEqual(compute(), 1)
        self.store.locked.clear()
        self.assertEqual(compute(), 2)
        self.assertEqual(self.outcomes, ["miss", "stale", "miss"])

    def test_the_lock_is_released_after_an_exception(self) -> None:
        @cached
        def compute() -> int:
            return self.work()

        self.work.error = KeyError("no")
        with self.assertRaises(KeyError):
            compute()
        self.assertEqual(self.store.locked, set())
