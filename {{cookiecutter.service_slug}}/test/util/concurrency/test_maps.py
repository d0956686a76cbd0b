"""Tests of the maps, on threads and on processes."""

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from pickle import PicklingError
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

# Seconds. Longer than anything here takes, so that a failure does not hang.
TIMEOUT = 10.0


class MapContract:
    """The behaviour of both kinds of map."""

    map: Callable[..., list[Any]]
    map_unordered: Callable[..., Iterator[tuple[Any, Any]]]

    def test_results_are_in_the_order_of_the_items(self: Any) -> None:
        self.assertEqual(self.map(double, range(200)), [2 * n for n in range(200)])
        self.assertEqual(self.map(double, []), [])

    def test_the_unordered_map_yields_each_item_with_its_result(self: Any) -> None:
        self.assertEqual(
            dict(self.map_unordered(double, range(200))), {n: 2 * n for n in range(200)}
        )

    def test_the_first_error_is_raised(self: Any) -> None:
        with self.assertRaisesRegex(ValueError, "-1 is negative"):
            self.map(double, [1, -1, 2])
        with self.assertRaisesRegex(ValueError, "-1 is negative"):
            list(self.map_unordered(double, [1, -1, 2]))

    def test_return_exceptions_returns_errors_in_place_of_results(self: Any) -> None:
        first, error, last = self.map(double, [1, -1, 2], return_exceptions=True)
        self.assertEqual((first, repr(error), last), (2, "ValueError('-1 is negative')", 4))

    def test_the_function_sees_the_request_id(self: Any) -> None:
        token = current_request_id.set("of-the-caller")
        self.addCleanup(current_request_id.reset, token)
        self.assertEqual(self.map(request_id, [0]), ["of-the-caller"])

    def test_the_function_sees_the_earlier_deadline(self: Any) -> None:
        with deadline.timeout(5):
            self.assertLessEqual(self.map(remaining, [0], timeout=60)[0], 5)
            self.assertLessEqual(self.map(remaining, [0], timeout=4)[0], 4)
            self.assertGreater(deadline.remaining(), 4)

    def test_an_executor_of_the_caller_runs_the_tasks(self: Any) -> None:
        with ThreadPoolExecutor(1, "theirs") as executor:
            self.assertEqual(self.map(thread_name, [0], executor=executor), ["theirs_0"])

    def test_a_map_without_time_starts_no_task(self: Any) -> None:
        started: list[int] = []
        with ThreadPoolExecutor(1) as executor, deadline.timeout(0):
            results = self.map(started.append, [1, 2], executor=executor, return_exceptions=True)
        self.assertEqual([type(result) for result in results], [TimeoutError, TimeoutError])
        self.assertEqual(started, [])

    def test_a_limit_below_one_is_refused(self: Any) -> None:
        for map_function in (self.map, self.map_unordered):
            with self.assertRaisesRegex(ValueError, "^limit must be at least 1; got 0$"):
                map_function(double, [1], limit=0)


class TestThreadMap(MapContract, IsolatedCase):
    map = staticmethod(thread_map)
    map_unordered = staticmethod(thread_map_unordered)

    def test_tasks_run_at_the_same_time(self) -> None:
        barrier = threading.Barrier(4)
        thread_map(lambda _: barrier.wait(TIMEOUT), range(4))

    def test_the_function_sees_the_flask_application(self) -> None:
        with Flask("theirs").app_context():
            self.assertEqual(thread_map(lambda _: current_app.name, [0]), ["theirs"])

    def test_a_task_that_exceeds_the_timeout_raises_timeout_error(self) -> None:
        release = threading.Event()
        self.addCleanup(release.set)
        with self.assertRaisesRegex(TimeoutError, r"^not completed within 0\.01 seconds$"):
            thread_map(lambda _: release.wait(TIMEOUT), [0], timeout=0.01)

    def test_return_exceptions_returns_timeout_errors_of_all_tasks_that_are_left(self) -> None:
        release = threading.Event()
        self.addCleanup(release.set)
        results = thread_map(
            lambda number: number or release.wait(TIMEOUT),
            [1, 0, 2, 3],
            timeout=0.1,
            limit=2,
            return_exceptions=True,
        )
        self.assertEqual(results[0], 1)
        self.assertIsInstance(results[1], TimeoutError)

    def test_a_generator_is_read_no_faster_than_the_limit_allows(self) -> None:
        read = []

        def numbers() -> Iterator[int]:
            for number in range(1_000_000):
                read.append(number)
                yield number

        results = thread_map_unordered(double, numbers(), limit=8)
        for _ in range(3):
            next(results)
        self.assertLessEqual(len(read), 8 + 3)

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

    def test_an_error_of_the_generator_ends_the_map(self) -> None:
        def numbers() -> Iterator[int]:
            yield 1
            raise KeyError("generator")

        with self.assertRaisesRegex(KeyError, "generator"):
            thread_map(double, numbers())

    def test_a_system_exit_is_raised_even_with_return_exceptions(self) -> None:
        with self.assertRaises(SystemExit):
            thread_map(sys.exit, [1], return_exceptions=True)

    def test_a_nested_map_runs_its_items_one_after_the_other(self) -> None:
        def outer(number: int) -> tuple[list[int], set[str]]:
            names = thread_map(thread_name, range(3))
            return thread_map(double, [number, -1], return_exceptions=True), set(names)

        Scope(PoolSettings(threads=2)).activate()
        for number, (results, names) in enumerate(thread_map(outer, range(6), timeout=TIMEOUT)):
            self.assertEqual(results[0], 2 * number)
            self.assertIsInstance(results[1], ValueError)
            self.assertEqual(len(names), 1)

    def test_a_nested_map_stops_at_the_first_error_and_at_the_deadline(self) -> None:
        started: list[int] = []

        def fail(number: int) -> None:
            started.append(number)
            raise ValueError

        with self.assertRaises(ValueError):
            thread_map(lambda _: thread_map(fail, range(1000)), [0])
        self.assertEqual(started, [0])

        def wait(number: int) -> None:
            started.append(number)
            time.sleep(0.02)

        with self.assertRaises(TimeoutError):
            thread_map(lambda _: thread_map(wait, range(1000)), [0], timeout=0.05)
        self.assertLess(len(started), 100)


class TestProcessMap(MapContract, unittest.TestCase):
    map = staticmethod(process_map)
    map_unordered = staticmethod(process_map_unordered)

    def test_tasks_run_in_another_process(self) -> None:
        self.assertNotEqual(process_map(process_id, [0]), [os.getpid()])

    def test_a_nested_map_runs_in_the_same_process(self) -> None:
        ((outer, inner),) = process_map(nested_process_ids, [0])
        self.assertEqual(outer, inner)

    def test_tasks_that_are_lost_with_a_process_are_retried(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            items = [Path(folder, str(number)) for number in range(8)]
            self.assertEqual(process_map(kill_once, items), [path.name for path in items])

    def test_a_task_that_is_lost_twice_raises_broken_executor(self) -> None:
        with self.assertRaises(BrokenExecutor):
            process_map(kill, [0])
        self.assertEqual(process_map(double, [1]), [2])

    def test_a_broken_executor_of_the_caller_is_not_replaced(self) -> None:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
            for _ in range(2):
                with self.assertRaises(BrokenExecutor):
                    process_map(kill, [0], executor=executor)

    def test_a_pickling_error_names_what_cannot_be_pickled(self) -> None:
        def local(_: Any) -> None: ...

        cases: tuple[tuple[Any, Any, str], ...] = (
            (local, 1, r"\.local \(type function\) cannot be pickled: "),
            (double, threading.Lock(), r"the argument of .*\.double \(type lock\) cannot be pick"),
            (make_lock, 1, r"the result of .*\.make_lock \(type lock\) cannot be pickled: "),
            (make_unloadable, 1, r"the result of .*\.make_unloadable cannot be unpickled: "),
            (raise_unloadable, 1, r"the error of .*\.raise_unloadable, .*'a b'.* cannot be unpick"),
            (double, Unloadable(), r"the argument of .*\.double cannot be unpickled: "),
        )
        for function, item, message in cases:
            with self.subTest(message), self.assertRaisesRegex(PicklingError, message):
                process_map(function, [item])
        self.assertEqual(process_map(double, [1]), [2])

    def test_return_exceptions_returns_pickling_errors(self) -> None:
        result, error = process_map(type, [1, threading.Lock()], return_exceptions=True)
        self.assertIs(result, int)
        self.assertIsInstance(error, PicklingError)


def double(number: int) -> int:
    if number < 0:
        raise ValueError(f"{number} is negative")
    return 2 * number


def request_id(_: Any) -> str | None:
    return current_request_id.get()


def remaining(_: Any) -> float:
    return deadline.remaining()


def thread_name(_: Any) -> str:
    return threading.current_thread().name


def process_id(_: Any) -> int:
    return os.getpid()


def nested_process_ids(_: Any) -> tuple[int, int]:
    return os.getpid(), process_map(process_id, [0])[0]


def kill(_: Any) -> None:
    os.kill(os.getpid(), signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)


def kill_once(marker: Path) -> str:
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return marker.name
    if marker.name == "3":
        kill(None)
    marker.unlink()
    return marker.name


def make_lock(_: Any) -> Any:
    return threading.Lock()


class Unloadable:
    """Can be pickled, but not unpickled."""

    def __reduce__(self) -> Any:
        return int, ("not a number",)


def make_unloadable(_: Any) -> Any:
    return Unloadable()


class UnloadableError(Exception):
    """Takes other arguments than it passes on, as many exceptions do."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def raise_unloadable(_: Any) -> None:
    raise UnloadableError("a", "b")
