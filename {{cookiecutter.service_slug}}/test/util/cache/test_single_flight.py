"""Single flight: concurrent callers of a process share one computation."""

import os
import signal
import sys
import threading
import time
import unittest
import warnings

from main.util.cache import cached
from main.util.context import deadline
from test.util.cache.case import TIMEOUT, CacheCase, concurrently, in_background


class TestSingleFlight(CacheCase):
    """A missing result is computed by one of its callers."""

    def test_a_missing_result_is_computed_once(self) -> None:
        @cached
        def compute() -> list[int]:
            until = time.monotonic() + TIMEOUT
            while self.store.commands.count("get") < 9:  # once each, and once more by the leader
                self.assertLess(time.monotonic(), until)
                time.sleep(0.001)
            return [self.work()]

        results = concurrently(compute)
        self.assertEqual(results, [[1]] * 8)
        self.assertEqual(len({id(result) for result in results}), 8)
        self.assertEqual(sorted(self.outcomes), ["hit"] * 7 + ["miss"])

    def test_waiting_callers_get_a_result_that_is_not_fresh_any_more(self) -> None:
        def let_time_pass(command: str) -> None:
            if command == "set":
                self.clock.now += 10

        @cached(ttl=1, stale_for=0)
        def compute() -> int:
            time.sleep(0.05)
            return self.work()

        self.store.before = let_time_pass
        self.assertEqual(set(concurrently(compute)), {1})

    def test_an_exception_reaches_all_callers(self) -> None:
        @cached
        def compute() -> int:
            time.sleep(0.05)
            raise KeyError("no")

        def call() -> str:
            try:
                return str(compute())
            except KeyError:
                return "error"

        self.assertEqual(concurrently(call), ["error"] * 8)

    def test_callers_of_different_keys_do_not_wait_for_each_other(self) -> None:
        barrier = threading.Barrier(2)

        @cached
        def compute(_: int) -> bool:
            barrier.wait(TIMEOUT)
            return True

        with in_background(compute, 1) as other:
            self.assertTrue(compute(2))
            self.assertTrue(other.result(TIMEOUT))

    def test_a_function_that_calls_itself_does_not_wait_for_itself(self) -> None:
        depth = iter((1, 0))

        @cached
        def compute() -> int:
            return compute() + 1 if next(depth) else 0

        self.assertEqual(compute(), 1)

    def test_a_caller_waits_only_until_its_deadline(self) -> None:
        started, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)

        @cached
        def compute() -> int:
            started.set()
            go_on.wait(TIMEOUT)
            return 1

        with in_background(compute) as leader:
            self.assertTrue(started.wait(TIMEOUT))
            with deadline.timeout(0.01), self.assertRaises(TimeoutError):
                compute()
            go_on.set()
            self.assertEqual(leader.result(TIMEOUT), 1)

    def test_an_invalidated_computation_is_neither_stored_nor_joined(self) -> None:
        started, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)

        @cached
        def compute() -> int:
            result = self.work()
            started.set()
            go_on.wait(TIMEOUT)
            return result

        with in_background(compute) as early:
            self.assertTrue(started.wait(TIMEOUT))
            compute.cache_clear()
            go_on.set()
            self.assertEqual(compute(), 2)
            self.assertEqual(early.result(TIMEOUT), 1)
        self.assertEqual(compute(), 2)

    @unittest.skipIf(sys.platform == "win32", "Windows does not fork")
    def test_a_forked_child_does_not_wait_for_threads_of_its_parent(self) -> None:
        started, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)
        parent = os.getpid()

        @cached
        def compute() -> int:
            if os.getpid() == parent:
                started.set()
                go_on.wait(TIMEOUT)
            return os.getpid()

        with in_background(compute):
            self.assertTrue(started.wait(TIMEOUT))
            self.store.locked.clear()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
                child = os.fork()
            if child == 0:  # pragma: no cover
                signal.alarm(int(TIMEOUT))
                os._exit(compute() != os.getpid())
            self.assertEqual(os.waitpid(child, 0), (child, 0))
            go_on.set()
