"""Circuit breaker."""

import unittest

from main.util.cache.circuit_breaker import (
    CALL_ALLOWANCE,
    MAX_DELAY,
    RESET_TIMEOUT,
    CircuitBreaker,
    CircuitOpenError,
)
from main.util.cache.store import RefusedError, StoreError
from test.util.cache.case import CallRecorder, Clock


class TestCircuitBreaker(unittest.TestCase):
    """Calls pass, fail at once, or probe the store."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.breaker = CircuitBreaker(self.clock)
        self.store = CallRecorder()

    def let_fail(self, error: Exception | None = None) -> None:
        """Let one call fail."""
        self.store.error = error or ConnectionError("gone")
        with self.assertRaises(StoreError):
            self.breaker.call(self.store)
        self.store.error = None

    def call_slowly(self, seconds: float, **options: float) -> None:
        """Make a call that takes this long."""

        def call() -> None:
            self.clock.now += seconds

        self.breaker.call(call, **options)

    def test_calls_pass_while_it_is_closed(self) -> None:
        self.assertEqual(self.breaker.call(self.store, "a", "b"), 1)
        self.assertEqual(self.store.calls, [("a", "b")])

    def test_calls_fail_at_once_after_a_failure(self) -> None:
        with self.assertLogs("main.util.cache", "WARNING") as logs:
            self.let_fail()
        self.clock.now += RESET_TIMEOUT - 0.1
        with self.assertRaises(CircuitOpenError):
            self.breaker.call(self.store)
        self.assertEqual(len(self.store.calls), 1)
        self.assertEqual(vars(logs.records[0])["reason"], "ConnectionError: gone")
        self.assertEqual(vars(logs.records[0])["seconds"], RESET_TIMEOUT)

    def test_a_successful_probe_closes_it(self) -> None:
        with self.assertLogs("main.util.cache", "INFO") as logs:
            self.let_fail()
            self.clock.now += RESET_TIMEOUT
            self.breaker.call(self.store)
        self.breaker.call(self.store)
        self.assertEqual([each.getMessage() for each in logs.records], ["cache.down", "cache.up"])

    def test_a_failed_probe_opens_it_again_without_a_log(self) -> None:
        with self.assertLogs("main.util.cache", "INFO") as logs:
            self.let_fail()
            self.clock.now += RESET_TIMEOUT
            self.let_fail()
        with self.assertRaises(CircuitOpenError):
            self.breaker.call(self.store)
        self.assertEqual(len(logs.records), 1)

    def test_only_one_caller_probes(self) -> None:
        def probe() -> None:
            with self.assertRaises(CircuitOpenError):
                self.breaker.call(self.store)

        with self.assertLogs("main.util.cache", "INFO"):
            self.let_fail()
            self.clock.now += RESET_TIMEOUT
            self.breaker.call(probe)
        self.assertEqual(len(self.store.calls), 1)

    def test_a_call_from_before_a_failure_does_not_close_it(self) -> None:
        with self.assertLogs("main.util.cache", "INFO"):
            self.breaker.call(self.let_fail)
        with self.assertRaises(CircuitOpenError):
            self.breaker.call(self.store)

    def test_a_refusal_is_not_a_failure(self) -> None:
        self.let_fail(RefusedError("full"))
        with self.assertLogs("main.util.cache", "INFO") as logs:
            self.let_fail()
            self.clock.now += RESET_TIMEOUT
            self.let_fail(RefusedError("full"))
        self.breaker.call(self.store)
        self.assertEqual([each.getMessage() for each in logs.records], ["cache.down", "cache.up"])

    def test_slow_calls_open_it(self) -> None:
        with self.assertLogs("main.util.cache", "WARNING") as logs:
            for _ in range(2):
                self.call_slowly(CALL_ALLOWANCE + MAX_DELAY / 2)
        with self.assertRaises(CircuitOpenError):
            self.breaker.call(self.store)
        self.assertRegex(vars(logs.records[0])["reason"], "^slow: .* 0.25 seconds too long")

    def test_fast_calls_make_up_for_slow_ones(self) -> None:
        for _ in range(100):
            self.call_slowly(CALL_ALLOWANCE + 0.2)
            for _ in range(4):
                self.call_slowly(0)

    def test_a_slow_probe_leaves_it_open(self) -> None:
        with self.assertLogs("main.util.cache", "INFO") as logs:
            self.let_fail()
            self.clock.now += RESET_TIMEOUT
            self.call_slowly(CALL_ALLOWANCE + MAX_DELAY)
        with self.assertRaises(CircuitOpenError):
            self.breaker.call(self.store)
        self.assertEqual(len(logs.records), 1)

    def test_a_call_may_have_an_allowance_of_its_own(self) -> None:
        self.call_slowly(60, allowance=61)
        self.breaker.call(self.store)
