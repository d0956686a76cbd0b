import logging
import multiprocessing
import signal
import tempfile
import threading
import unittest
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from pathlib import Path
from pickle import PicklingError
from typing import Any
from unittest import mock

from main.util.concurrency import process_map, worker
from test.util.concurrency import tasks


class TestLostTasks(unittest.TestCase):
    def test_tasks_that_are_lost_with_a_process_are_retried(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            items = [Path(folder, str(number)) for number in range(8)]
            self.assertEqual(process_map(tasks.kill_once, items), [path.name for path in items])

    def test_a_task_that_is_lost_twice_raises_broken_executor(self) -> None:
        with self.assertRaises(BrokenExecutor):
            process_map(tasks.kill, [0])
        self.assertEqual(process_map(abs, [-1]), [1])

    def test_a_broken_executor_of_the_caller_is_not_replaced(self) -> None:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
            for function in (tasks.kill, abs):
                with self.assertRaises(BrokenExecutor):
                    process_map(function, [0], executor=executor)


class TestPickling(unittest.TestCase):
    def test_an_error_names_what_cannot_be_pickled(self) -> None:
        cases: tuple[tuple[Any, Any, str], ...] = (
            (
                lambda _: None,
                1,
                r"<function .*<lambda> at .*> or its argument: .*; a function must",
            ),
            (abs, threading.Lock(), "<built-in function abs> or its argument: .*'_thread.lock'"),
            (abs, tasks.UnloadableError("a", "b"), "abs> or its argument: .* missing 1 required"),
            (tasks.make_lock, 1, "the result of <function make_lock at .*>: .*'_thread.lock'"),
            (tasks.return_unloadable, 1, "the result of <function return_unloadable at .*missing"),
            (tasks.raise_unloadable, 1, r"the error UnloadableError\('a b'\) of <function raise_"),
        )
        for function, item, message in cases:
            with self.subTest(message), self.assertRaisesRegex(PicklingError, message):
                process_map(function, [item])
        result, error = process_map(type, [1, threading.Lock()], return_exceptions=True)
        self.assertIs(result, int)
        self.assertIsInstance(error, PicklingError)


class TestWorker(unittest.TestCase):
    """Pool processes run this, but coverage is not measured there."""

    def test_it_returns_the_result_or_raises_the_error(self) -> None:
        self.assertEqual(worker.run(worker.dumps((divmod, (7, 2)), "a call")), (3, 1))
        with self.assertRaises(ZeroDivisionError):
            worker.run(worker.dumps((divmod, (7, 0)), "a call"))

    def test_it_logs_from_the_level_ignores_ctrl_c_and_exits_with_its_parent(self) -> None:
        self.addCleanup(signal.signal, signal.SIGINT, signal.getsignal(signal.SIGINT))
        self.addCleanup(logging.getLogger().setLevel, logging.getLogger().level)
        exited = threading.Event()
        with (
            mock.patch("multiprocessing.parent_process") as parent,
            mock.patch("os._exit", side_effect=lambda _: exited.set()),
        ):
            worker.initialize(logging.ERROR)
            self.assertTrue(exited.wait(tasks.TIMEOUT))
        parent.return_value.join.assert_called_once_with()
        self.assertEqual(signal.getsignal(signal.SIGINT), signal.SIG_IGN)
        self.assertEqual(logging.getLogger().level, logging.ERROR)
