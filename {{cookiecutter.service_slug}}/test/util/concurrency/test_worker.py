"""Tests of what runs in a pool process."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
import unittest
from contextlib import suppress
from pickle import PicklingError
from typing import Any
from unittest import mock

from main.util.concurrency.pickling import dumps
from main.util.concurrency.worker import initialize, run_pickled_task
from main.util.context import PropagatedContext, current_request_id
from test.case import IsolatedCase

# Seconds. Longer than anything here takes, so that a failure does not hang.
TIMEOUT = 10.0

# Starts a pool process and prints its process id.
OWNER = """
import signal, sys, time
from multiprocessing import resource_tracker
from main.util.concurrency import process_map

if __name__ == "__main__":
    if sys.platform != "win32":
        resource_tracker.ensure_running()  # Starting it would unblock the signal.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    print(*process_map(eval, ["__import__('os').getpid()"]), flush=True)
    time.sleep(60)
"""


class TestRunPickledTask(IsolatedCase):
    """Pool processes run this, but coverage is not measured there."""

    def run_task(self, function: Any, item: Any) -> Any:
        task = dumps(function, "the function"), dumps(item, "the item")
        return run_pickled_task(PropagatedContext.capture(), *task)

    def test_the_function_runs_in_the_context_of_the_request(self) -> None:
        current_request_id.set("of-the-caller")
        self.assertEqual(self.run_task(request_id, 0), "of-the-caller")

    def test_an_error_that_can_be_pickled_is_raised(self) -> None:
        with self.assertRaisesRegex(ZeroDivisionError, "division"):
            self.run_task(divide_by, 0)

    def test_an_error_that_cannot_be_unpickled_becomes_a_pickling_error(self) -> None:
        with self.assertRaisesRegex(PicklingError, r"the error of .*fail, TwoArgumentsError\('a b"):
            self.run_task(fail, 0)


class TestInitialize(unittest.TestCase):
    def test_it_logs_from_the_level_ignores_ctrl_c_and_exits_with_its_parent(self) -> None:
        self.addCleanup(signal.signal, signal.SIGINT, signal.getsignal(signal.SIGINT))
        self.addCleanup(logging.getLogger().setLevel, logging.getLogger().level)
        exited = threading.Event()
        with (
            mock.patch("multiprocessing.parent_process") as parent,
            mock.patch("os._exit", side_effect=lambda _: exited.set()),
        ):
            initialize(logging.ERROR)
            self.assertTrue(exited.wait(TIMEOUT))
        parent.return_value.join.assert_called_once_with()
        self.assertEqual(signal.getsignal(signal.SIGINT), signal.SIG_IGN)
        self.assertEqual(logging.getLogger().level, logging.ERROR)


class TestProcess(unittest.TestCase):
    def setUp(self) -> None:
        environment = {**os.environ, "PYTHONPATH": os.getcwd()}
        command = [sys.executable, "-c", OWNER]
        self.owner = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.owner.stdout
        self.addCleanup(self.owner.stdout.close)
        self.addCleanup(self.owner.wait)
        self.addCleanup(self.owner.kill)
        self.process_id = int(self.owner.stdout.readline())

    def test_it_exits_when_its_owner_is_killed(self) -> None:
        self.owner.kill()
        self.assert_exits()

    @unittest.skipIf(sys.platform == "win32", "Windows does not block signals")
    def test_it_can_be_terminated_although_its_owner_blocks_signals(self) -> None:
        os.kill(self.process_id, signal.SIGTERM)
        self.assert_exits()

    def assert_exits(self) -> None:
        deadline = time.monotonic() + TIMEOUT
        with suppress(ProcessLookupError):
            while time.monotonic() < deadline:
                os.kill(self.process_id, 0)
                time.sleep(0.01)
            self.fail("the pool process is still running")


def request_id(_: Any) -> str | None:
    return current_request_id.get()


def divide_by(number: int) -> float:
    return 1 / number


class TwoArgumentsError(Exception):
    """Cannot be unpickled, because it passes one argument on."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def fail(_: Any) -> None:
    raise TwoArgumentsError("a", "b")
