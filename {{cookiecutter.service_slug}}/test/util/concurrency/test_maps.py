"""Tests of the maps: what both kinds do, and what thread_map does."""

import threading
import time
import unittest
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from math import isqrt
from typing import Any

from flask import Flask, current_app

from main.util.concurrency import (
    PoolSettings,
    process_map,
    process_map_unordered,
    thread_map,
    thread_map_unordered,
)
from main.util.config import Scope
from main.util.context import current_request_id, deadline
from test.case import IsolatedCase
from test.util.concurrency.tasks import TIMEOUT, place


class MapContract:
    map: Callable[..., list[Any]]
    map_unordered: Callable[..., Iterator[tuple[Any, Any]]]

    def test_results_are_in_the_order_of_the_items(self: Any) -> None:
        self.assertEqual(self.map(isqrt, range(200)), list(map(isqrt, range(200))))

    def test_the_unordered_map_yields_each_item_with_its_result(self: Any) -> None:
        results = dict(self.map_unordered(isqrt, range(200)))
        self.assertEqual(results, {number: isqrt(number) for number in range(200)})

    def test_the_first_error_is_raised_or_all_are_returned(self: Any) -> None:
        with self.assertRaisesRegex(ValueError, "nonnegative"):
            self.map(isqrt, [1, -1, 4])
        first, error, last = self.map(isqrt, [1, -1, 4], return_exceptions=True)
        self.assertEqual((first, type(error), last), (1, ValueError, 2))

    def test_the_function_sees_the_request_id_and_the_earlier_deadline(self: Any) -> None:
        token = current_request_id.set("of-the-caller")
        self.addCleanup(current_request_id.reset, token)
        with deadline.timeout(50):
            for timeout, expected in ((None, 50), (60, 50), (40, 40)):
                (seen,) = self.map(place, [0], timeout=timeout)
                self.assertEqual(seen.request_id, "of-the-caller")
                self.assertAlmostEqual(seen.remaining, expected, delta=8)
            self.assertAlmostEqual(deadline.remaining(), 50, delta=8)

    def test_an_executor_of_the_caller_runs_the_tasks(self: Any) -> None:
        with ThreadPoolExecutor(1, "theirs") as executor:
            self.assertEqual(self.map(place, [0], executor=executor)[0].thread, "theirs_0")

    def test_a_map_without_time_starts_no_task(self: Any) -> None:
        started: list[int] = []
        with ThreadPoolExecutor(1) as executor, deadline.timeout(0):
            results = self.map(started.append, [1, 2], executor=executor, return_exceptions=True)
        self.assertEqual([type(result) for result in results], [TimeoutError, TimeoutError])
        self.assertEqual(started, [])


class TestProcessMap(MapContract, unittest.TestCase):
    map = staticmethod(process_map)
    map_unordered = staticmethod(process_map_unordered)


class TestThreadMap(MapContract, IsolatedCase):
    map = staticmethod(thread_map)
    map_unordered = staticmethod(thread_map_unordered)

    def test_as_many_tasks_as_threads_run_at_a_time_in_the_application_context(self) -> None:
        barrier = threading.Barrier(3)

        def names(_: int) -> tuple[str, str]:
            barrier.wait(TIMEOUT)
            return current_app.name, threading.current_thread().name

        Scope(PoolSettings(threads=3)).activate()
        with Flask("theirs").app_context():
            applications, threads = zip(*thread_map(names, range(9)), strict=True)
        self.assertEqual(set(applications), {"theirs"})
        self.assertEqual(len(set(threads)), 3)

    def test_at_the_deadline_the_remaining_tasks_have_timeout_errors(self) -> None:
        release = threading.Event()
        self.addCleanup(release.set)

        def work(number: int) -> int:
            return number or release.wait(TIMEOUT)

        with self.assertRaisesRegex(TimeoutError, "^not completed before the deadline$"):
            thread_map(work, [0], timeout=0.01)
        results = thread_map(work, [1, 0, 0, 3], timeout=0.1, limit=2, return_exceptions=True)
        self.assertEqual(results[0], 1)
        self.assertEqual([type(result) for result in results[1:]], [TimeoutError] * 3)

    def test_a_generator_is_read_no_faster_than_the_limit_allows(self) -> None:
        numbers = iter(range(1000))
        results = thread_map_unordered(isqrt, numbers, limit=8)
        for _ in range(3):
            next(results)
        self.assertLessEqual(next(numbers), 8 + 2)
        self.assertEqual(thread_map(isqrt, [1, 4], limit=1), [1, 2])
        with self.assertRaisesRegex(ValueError, "^limit must be at least 1; got 0$"):
            thread_map(isqrt, numbers, limit=0)

    def test_an_error_cancels_the_tasks_that_have_not_started(self) -> None:
        started = []
        release = threading.Event()

        def work(number: int) -> None:
            started.append(number)
            if number == 0:
                raise ValueError(number)
            release.wait(TIMEOUT)

        with ThreadPoolExecutor(1) as executor:
            with self.assertRaises(ValueError):
                thread_map(work, range(50), executor=executor)
            release.set()
        self.assertLessEqual(len(started), 2)

    def test_a_nested_map_runs_inline_until_the_first_error_or_the_deadline(self) -> None:
        Scope(PoolSettings(threads=1)).activate()
        self.assertEqual(thread_map(lambda _: thread_map(isqrt, [1, 4]), [0]), [[1, 2]])
        started: list[float] = []

        def work(seconds: float) -> None:
            started.append(seconds)
            time.sleep(seconds)

        for seconds, error, most in ((-1, ValueError, 1), (0.02, TimeoutError, 20)):
            nested = [[seconds] * 1000]
            with self.subTest(error=error), self.assertRaises(error):
                thread_map(lambda items: thread_map(work, items), nested, timeout=0.1)
            self.assertLessEqual(len(started), most)
