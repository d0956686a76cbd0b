"""Single flight: concurrent callers of a process share one computation."""

import os
import signal
import sys
import threading
import time
import unittest
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from main.util.cache import cached
from main.util.context import deadline
from test.util.cache.case import TIMEOUT, CacheCase

CALLERS = 8


class TestSingleFlight(CacheCase):
    def call_concurrently(self) -> list[object]:
        """Let callers look for a missing result at the same time; return their results."""
        all_have_looked = threading.Barrier(CALLERS)

        def wait_for_all(command: str) -> None:
            if command == "get":
                all_have_looked.wait(TIMEOUT)

        def call() -> object:
            try:
                return self.compute()
            except KeyError as error:
                return error

        self.store.before = wait_for_all
        self.work.may_end.clear()
        with ThreadPoolExecutor(CALLERS) as pool:
            calls = [pool.submit(copy_context().run, call) for _ in range(CALLERS)]
            time.sleep(0.05)  # all follow the first
            self.work.may_end.set()
            return [each.result(TIMEOUT) for each in calls]

    def test_a_missing_result_is_computed_once(self) -> None:
        self.assertEqual(self.call_concurrently(), [1] * CALLERS)
        self.assertEqual(self.outcomes, ["miss"] * CALLERS)

    def test_an_exception_reaches_all_callers(self) -> None:
        self.work.error = KeyError("no")
        self.assertEqual(self.call_concurrently(), [self.work.error] * CALLERS)
        self.assertEqual(len(self.work.calls), 1)

    def test_callers_of_different_keys_do_not_wait_for_each_other(self) -> None:
        compute = cached(lambda number: self.work() if number == 1 else 0)
        with self.in_background(compute, 1) as blocked:
            self.assertEqual(compute(2), 0)
            self.assertFalse(blocked.done())

    def test_a_function_that_calls_itself_does_not_wait_for_itself(self) -> None:
        depth = iter((1, 0))

        @cached(lock_timeout=0.1)
        def compute() -> int:
            return compute() + 1 if next(depth) else 0

        self.assertEqual(compute(), 1)

    def test_a_caller_waits_only_until_its_deadline(self) -> None:
        with (
            self.in_background(self.compute) as leader,
            deadline.timeout(0.01),
            self.assertRaises(TimeoutError),
        ):
            self.compute()
        self.assertEqual(leader.result(), 1)

    def test_an_invalidated_computation_is_neither_stored_nor_joined(self) -> None:
        with self.in_background(self.compute) as early:
            self.compute.cache_clear()
            self.store.locked.clear()
            self.work.may_end.set()
            self.assertEqual(self.compute(), 2)
        self.assertEqual(early.result(), 1)
        self.assertEqual(self.compute(), 2)

    @unittest.skipIf(sys.platform == "win32", "Windows does not fork")
    def test_a_forked_child_does_not_wait_for_threads_of_its_parent(self) -> None:
        with self.in_background(self.compute):
            self.store.locked.clear()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
                child = os.fork()
            if child == 0:  # pragma: no cover
                signal.alarm(int(TIMEOUT))
                self.work.may_end.set()
                os._exit(self.compute() != 2)
            self.assertEqual(os.waitpid(child, 0), (child, 0))
