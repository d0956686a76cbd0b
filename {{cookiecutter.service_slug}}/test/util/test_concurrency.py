"""Concurrency."""

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

from main.util import deadline, logs, pools
from main.util.concurrency import (
    process_map,
    process_map_unordered,
    thread_map,
    thread_map_unordered,
)

PATIENCE = 10.0


def double(number: int) -> int:
    if number < 0:
        raise ValueError(f"{number} is negative")
    return 2 * number


def process_and_request(_: Any) -> tuple[int, str | None]:
    return os.getpid(), logs.request_id.get()


def die(_: Any) -> None:
    os.kill(os.getpid(), signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)


class Maps:
    """What both kinds of map promise."""

    map: Callable[..., list[Any]]
    map_unordered: Callable[..., Iterator[tuple[Any, Any]]]

    def test_results_come_in_the_order_of_the_items(self: Any) -> None:
        self.assertEqual(self.map(double, range(200)), [2 * n for n in range(200)])
        self.assertEqual(self.map(double, []), [])

    def test_results_come_with_their_items_as_they_are_done(self: Any) -> None:
        pairs = dict(self.map_unordered(double, range(200)))
        self.assertEqual(pairs, {n: 2 * n for n in range(200)})

    def test_the_first_error_is_raised(self: Any) -> None:
        with self.assertRaisesRegex(ValueError, "-1 is negative"):
            self.map(double, [1, -1, 2])
        with self.assertRaisesRegex(ValueError, "-1 is negative"):
            list(self.map_unordered(double, [1, -1, 2]))

    def test_errors_can_stand_in_the_place_of_results(self: Any) -> None:
        good, bad, last = self.map(double, [1, -1, 2], return_exceptions=True)
        self.assertEqual((good, str(bad), last), (2, "-1 is negative", 4))

    def test_the_request_id_goes_along(self: Any) -> None:
        token = logs.request_id.set("from-the-caller")
        self.addCleanup(logs.request_id.reset, token)
        ((_, request_id),) = self.map(process_and_request, [None])
        self.assertEqual(request_id, "from-the-caller")


class TestThreads(Maps, unittest.TestCase):
    """Threads."""

    map = staticmethod(thread_map)
    map_unordered = staticmethod(thread_map_unordered)

    def test_items_are_worked_on_at_the_same_time(self) -> None:
        barrier = threading.Barrier(4)
        thread_map(lambda _: barrier.wait(PATIENCE), range(4))

    def test_the_application_context_goes_along(self) -> None:
        with Flask("somewhere").app_context():
            self.assertEqual(thread_map(lambda _: current_app.name, [0]), ["somewhere"])

    def test_what_is_late_is_an_error(self) -> None:
        release = threading.Event()
        self.addCleanup(release.set)
        with self.assertRaisesRegex(TimeoutError, r"not done within 0\.01 seconds|could not begin"):
            thread_map(lambda _: release.wait(PATIENCE), [0], timeout=0.01)

    def test_what_is_late_can_stand_in_the_place_of_a_result(self) -> None:
        release = threading.Event()
        self.addCleanup(release.set)
        results = thread_map(
            lambda _: release.wait(PATIENCE), [0, 1], timeout=0.01, return_exceptions=True, limit=1
        )
        self.assertEqual([type(error) for error in results], [TimeoutError, TimeoutError])

    def test_an_endless_generator_is_read_no_faster_than_it_is_worked_off(self) -> None:
        read = []

        def numbers() -> Iterator[int]:
            for number in range(1_000_000):
                read.append(number)
                yield number

        results = thread_map_unordered(double, numbers(), limit=8)
        for _ in range(3):
            next(results)
        self.assertLessEqual(len(read), 8 + 3)

    def test_when_one_fails_the_others_are_not_begun(self) -> None:
        begun = []
        release = threading.Event()

        def work(number: int) -> None:
            begun.append(number)
            if number == 0:
                raise ValueError(number)
            release.wait(PATIENCE)

        with ThreadPoolExecutor(1) as one:
            with self.assertRaises(ValueError):
                thread_map(work, range(50), executor=one)
            release.set()
        self.assertLessEqual(len(begun), 2)

    def test_a_map_within_a_map_cannot_wait_for_itself(self) -> None:
        def outer(number: int) -> list[int]:
            return thread_map(double, [number, -1], return_exceptions=True)

        count = 3 * pools.current().threads
        results = thread_map(outer, range(count), timeout=PATIENCE)
        self.assertEqual([first for first, _ in results], [2 * n for n in range(count)])

    def test_a_map_within_a_map_keeps_the_deadline(self) -> None:
        begun = []

        def inner(number: int) -> None:
            begun.append(number)
            time.sleep(0.02)

        with self.assertRaises(TimeoutError):
            thread_map(lambda _: thread_map(inner, range(1000)), [0], timeout=0.05)
        self.assertLess(len(begun), 1000)

    def test_the_deadline_is_the_earlier_one(self) -> None:
        def left(_: int) -> float:
            return deadline.remaining()

        with deadline.within(5):
            self.assertLessEqual(thread_map(left, [0], timeout=60)[0], 5)
            self.assertLessEqual(thread_map(left, [0], timeout=1)[0], 1)
            self.assertGreater(deadline.remaining(), 1)
            self.assertLessEqual(process_map(seconds_left, [0])[0], 5)

    def test_what_has_no_time_left_does_not_begin(self) -> None:
        with deadline.within(0), self.assertRaises(TimeoutError):
            thread_map(self.fail, [0])

    def test_a_limit_is_at_least_one(self) -> None:
        with self.assertRaisesRegex(ValueError, "limit must be 1 or more, not 0"):
            thread_map(double, [1], limit=0)

    def test_an_exception_of_the_generator_ends_the_map(self) -> None:
        def numbers() -> Iterator[int]:
            yield 1
            raise KeyError("generator")

        with self.assertRaisesRegex(KeyError, "generator"):
            thread_map(double, numbers())


class TestProcesses(Maps, unittest.TestCase):
    """Processes."""

    map = staticmethod(process_map)
    map_unordered = staticmethod(process_map_unordered)

    def test_the_work_is_done_elsewhere(self) -> None:
        ((pid, _),) = process_map(process_and_request, [None])
        self.assertNotEqual(pid, os.getpid())

    def test_what_was_lost_with_a_process_is_tried_once_more(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            items = [Path(folder, str(number)) for number in range(8)]
            self.assertEqual(process_map(die_once, items), [path.name for path in items])

    def test_but_not_twice(self) -> None:
        with self.assertRaises(BrokenExecutor):
            process_map(die, [None])
        self.assertEqual(process_map(double, [1]), [2])

    def test_a_pool_that_was_passed_in_is_not_replaced(self) -> None:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as own:
            for _ in range(2):
                with self.assertRaises(BrokenExecutor):
                    process_map(die, [None], executor=own)

    def test_what_cannot_be_pickled_is_named(self) -> None:
        def local(_: Any) -> None: ...

        name = __name__.replace(".", r"\.")
        cases: tuple[tuple[Any, Any, str], ...] = (
            (local, 1, rf"{name}\..*\.local cannot be pickled: "),
            (double, threading.Lock(), rf"the argument of {name}\.double, a lock, cannot be "),
            (make_lock, 1, rf"the result of {name}\.make_lock, a lock, cannot be pickled: "),
            (make_odd, 1, "a result cannot be unpickled: "),
        )
        for function, item, told in cases:
            with self.subTest(told), self.assertRaisesRegex(PicklingError, told):
                process_map(function, [item])

    def test_what_cannot_be_pickled_can_stand_in_the_place_of_a_result(self) -> None:
        good, bad = process_map(type, [1, threading.Lock()], return_exceptions=True)
        self.assertIs(good, int)
        self.assertIsInstance(bad, PicklingError)

    def test_an_exception_that_cannot_cross_over_is_told(self) -> None:
        told = "raise_odd raised OddError, which cannot be pickled: odd 1 2"
        with self.assertRaisesRegex(RuntimeError, told):
            process_map(raise_odd, [1])
        self.assertEqual(process_map(double, [1]), [2])

    def test_a_map_within_a_map_makes_no_more_processes(self) -> None:
        ((outer, inner),) = process_map(nested, [0])
        self.assertEqual(outer, inner)

    def test_any_executor_will_do(self) -> None:
        with ThreadPoolExecutor(1) as executor:
            ((pid, _),) = process_map(process_and_request, [None], executor=executor)
        self.assertEqual(pid, os.getpid())


def nested(_: Any) -> tuple[int, int]:
    ((inner, _),) = process_map(process_and_request, [0])
    return os.getpid(), inner


def seconds_left(_: Any) -> float:
    return deadline.remaining()


def die_once(marker: Path) -> str:
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return marker.name
    if marker.name == "3":
        die(None)
    marker.unlink()
    return marker.name


def make_lock(_: Any) -> Any:
    return threading.Lock()


class Odd:
    """Something that can be pickled, but not be made again."""

    def __reduce__(self) -> Any:
        return int, ("odd",)


def make_odd(_: Any) -> Any:
    return Odd()


class OddError(Exception):
    """An exception whose parts are not what it is made from, as many are."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"odd {one} {two}")


def raise_odd(_: Any) -> None:
    raise OddError(1, 2)
