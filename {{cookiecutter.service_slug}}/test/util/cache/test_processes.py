"""Cache: processes that share a store compute a result once."""

from unittest import mock

from main.util.context import deadline
from test.util.cache.case import TIMEOUT, CacheCase


class TestProcesses(CacheCase):
    def test_one_process_waits_for_the_other(self) -> None:
        with self.in_background(self.compute) as first:

            def sleep(_: float) -> None:
                self.work.may_end.set()
                first.result(TIMEOUT)

            with mock.patch("time.sleep", side_effect=sleep):
                self.assertEqual(self.in_other_process(self.compute), 1)

    def test_a_result_that_was_stored_meanwhile_is_used(self) -> None:
        def store_in_other_process(command: str) -> None:
            if command == "lock":
                self.store.before = lambda command: None
                self.in_other_process(self.compute)

        self.store.before = store_in_other_process
        self.assertEqual(self.compute(), 1)
        self.assertEqual(self.compute(), 1)

    def test_the_wait_for_a_lock_is_limited(self) -> None:
        now = [0.0]

        def sleep(seconds: float) -> None:
            now[0] += seconds

        self.store.locked = {self.compute.cache_key(number) for number in (1, 2, 3)}  # were killed
        with (
            mock.patch("time.sleep", side_effect=sleep),
            mock.patch("time.monotonic", side_effect=lambda: now[0]),
        ):
            self.assertEqual([self.compute(1), self.compute(1)], [1, 1])
            self.assertAlmostEqual(now[0], 1.0, delta=0.011)
            for number, seconds in ((2, 0.5), (3, 0)):
                now[0] = 0
                with mock.patch.object(deadline, "remaining", return_value=seconds):
                    self.assertEqual(self.compute(number), number)
                self.assertAlmostEqual(now[0], seconds, delta=seconds / 20)

    def test_a_stale_result_is_returned_while_another_process_renews_it(self) -> None:
        self.compute()
        self.clock.now += 10
        self.store.locked.add(self.compute.cache_key())
        self.assertEqual(self.compute(), 1)
        self.store.locked.clear()
        self.assertEqual(self.compute(), 2)
        self.assertEqual(self.outcomes, ["miss", "stale", "miss"])
