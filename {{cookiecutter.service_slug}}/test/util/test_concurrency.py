"""Concurrency."""

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
import types
import unittest
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any
from unittest import mock

from flask import Flask, current_app

from main.util import concurrency, logs
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
        with self.assertRaisesRegex(TimeoutError, r"not done within 0\.01 seconds"):
            thread_map(lambda _: release.wait(PATIENCE), [0], timeout=0.01)

    def test_what_is_late_can_stand_in_the_place_of_a_result(self) -> None:
        release = threading.Event()
        self.addCleanup(release.set)

        def work(number: int) -> int:
            return release.wait(PATIENCE) or 0 if number else number

        items = [0, 1, 2]
        done, *late = thread_map(work, items, timeout=0.2, return_exceptions=True, limit=2)
        self.assertEqual(done, 0)
        self.assertEqual([type(error) for error in late], [TimeoutError, TimeoutError])

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

        count = 3 * concurrency.THREADS
        results = thread_map(outer, range(count), timeout=PATIENCE)
        self.assertEqual([first for first, _ in results], [2 * n for n in range(count)])


class TestProcesses(Maps, unittest.TestCase):
    """Processes."""

    map = staticmethod(process_map)
    map_unordered = staticmethod(process_map_unordered)

    def test_the_work_is_done_elsewhere(self) -> None:
        ((pid, _),) = process_map(process_and_request, [None])
        self.assertNotEqual(pid, os.getpid())

    def test_a_pool_that_lost_a_process_is_replaced(self) -> None:
        with self.assertRaises(BrokenExecutor):
            process_map(die, [None])
        self.assertEqual(process_map(double, [1]), [2])

    def test_a_pool_that_was_passed_in_is_not_replaced(self) -> None:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as own:
            for _ in range(2):
                with self.assertRaises(BrokenExecutor):
                    process_map(die, [None], executor=own)

    def test_any_executor_will_do(self) -> None:
        with ThreadPoolExecutor(1) as executor:
            ((pid, _),) = process_map(process_and_request, [None], executor=executor)
        self.assertEqual(pid, os.getpid())

    def test_under_uwsgi_the_interpreter_is_named(self) -> None:
        # There, sys.executable is uWSGI.
        with (
            mock.patch.dict("sys.modules", uwsgi=types.SimpleNamespace()),
            mock.patch.object(concurrency, "ProcessPoolExecutor"),
            mock.patch("multiprocessing.spawn.set_executable") as named,
        ):
            concurrency._new_processes()
        named.assert_called_once_with(os.path.join(sys.prefix, "bin", "python3"))


class TestChild(unittest.TestCase):
    """A process of the pool, as seen from within."""

    def test_it_logs_like_its_parent_and_leaves_ctrl_c_to_it(self) -> None:
        before = signal.getsignal(signal.SIGINT), logging.getLogger().level
        ended = threading.Event()
        with (
            mock.patch("multiprocessing.parent_process") as parent,
            mock.patch("os._exit", side_effect=lambda _: ended.set()) as leave,
        ):
            concurrency._start_child("ERROR")
            self.assertTrue(ended.wait(PATIENCE))
        self.assertIs(signal.getsignal(signal.SIGINT), signal.SIG_IGN)
        self.assertEqual(logging.getLogger().level, logging.ERROR)
        signal.signal(signal.SIGINT, before[0])
        logging.getLogger().setLevel(before[1])
        parent.return_value.join.assert_called_once_with()
        leave.assert_called_once_with(1)

    def test_it_does_not_outlive_its_parent(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        parent = context.Process(target=report_child_and_wait, args=(theirs,))
        parent.start()
        child = ours.recv()
        parent.kill()
        parent.join()
        deadline = time.monotonic() + PATIENCE
        while alive(child):
            self.assertLess(time.monotonic(), deadline, "the child lives on")
            threading.Event().wait(0.01)


def report_child_and_wait(pipe: Any) -> None:
    pipe.send(process_map(process_and_request, [None])[0][0])
    threading.Event().wait()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
