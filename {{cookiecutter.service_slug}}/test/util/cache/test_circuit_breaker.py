import unittest

from main.util.cache.circuit_breaker import MAX_SLOW_CALLS, RESET_TIMEOUT, CircuitBreaker
from main.util.cache.store import RefusedError
from test.util.cache.case import Clock, Work


class TestCircuitBreaker(unittest.TestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.breaker = CircuitBreaker(self.clock)
        self.store = Work()

    def let_fail(self, error: Exception) -> None:
        """Let one call fail."""
        self.store.error = error
        self.assertEqual(self.breaker.call(self.store), ("error", None))
        self.store.error = None

    def call_slowly(self, *durations: float) -> None:
        """Make calls that take as many seconds."""

        def call(duration: float) -> None:
            self.clock.now += duration

        for duration in durations:
            self.breaker.call(call, duration)

    def assert_outcome(self, outcome: str) -> None:
        self.assertEqual(self.breaker.call(self.store)[0], outcome)

    def test_it_is_open_after_a_failure_until_a_probe_succeeds(self) -> None:
        with self.assertLogs("main.util.cache", "INFO") as logs:
            self.let_fail(ConnectionError("gone"))
            self.clock.now += 4.9
            self.assert_outcome("bypass")
            self.clock.now += 0.1
            self.let_fail(ConnectionError("still gone"))
            self.clock.now += RESET_TIMEOUT - 0.1
            self.assert_outcome("bypass")
            self.clock.now += 0.1
            self.assert_outcome("ok")
            self.assert_outcome("ok")
        self.assertEqual([each.getMessage() for each in logs.records], ["cache.down", "cache.up"])
        self.assertEqual(vars(logs.records[0])["reason"], "ConnectionError: gone")
        self.assertEqual(vars(logs.records[0])["seconds"], 5)

    def test_only_one_caller_probes(self) -> None:
        with self.assertLogs("main.util.cache", "INFO"):
            self.let_fail(ConnectionError("gone"))
            self.clock.now += RESET_TIMEOUT
            self.breaker.call(self.assert_outcome, "bypass")
        self.assert_outcome("ok")

    def test_a_call_from_before_a_failure_does_not_close_it(self) -> None:
        with self.assertLogs("main.util.cache", "INFO"):
            self.breaker.call(self.let_fail, ConnectionError("gone"))
        self.assert_outcome("bypass")

    def test_refusals_are_no_failures_and_logged_once_a_minute(self) -> None:
        with self.assertLogs("main.util.cache", "WARNING") as logs:
            for seconds, logged in ((0, 1), (59.9, 1), (0.1, 2)):
                self.clock.now += seconds
                self.let_fail(RefusedError("full"))
                self.assert_outcome("ok")
                self.assertEqual(len(logs.records), logged)
        self.assertEqual(logs.records[0].getMessage(), "cache.refused")
        self.assertEqual(vars(logs.records[0])["reason"], "full")

    def test_slow_calls_in_a_row_open_it(self) -> None:
        slow = 0.11
        for _ in range(3):
            self.call_slowly(*[slow] * (MAX_SLOW_CALLS - 1), 0.09)
        self.assert_outcome("ok")
        with self.assertLogs("main.util.cache", "WARNING") as logs:
            self.call_slowly(*[slow] * MAX_SLOW_CALLS)
            self.assert_outcome("bypass")
        self.assertEqual([each.getMessage() for each in logs.records], ["cache.down"])
        self.assertRegex(vars(logs.records[0])["reason"], "^slow: 10 calls in a row took")

    def test_a_slow_probe_leaves_it_open(self) -> None:
        with self.assertLogs("main.util.cache", "INFO"):
            self.let_fail(ConnectionError("gone"))
        self.clock.now += RESET_TIMEOUT
        self.call_slowly(0.11)
        self.assert_outcome("bypass")
        self.clock.now += RESET_TIMEOUT
        self.assert_outcome("ok")
