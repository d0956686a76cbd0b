"""Tests of the pools."""

import multiprocessing
import os
import subprocess
import sys
import threading
import types
import unittest
from typing import Any
from unittest import mock

from main.util.concurrency import PoolSettings, process_map, thread_map
from main.util.config import Scope, SettingError, load
from test.case import IsolatedCase

# Seconds. Longer than anything here takes, so that a failure does not hang.
TIMEOUT = 10.0

FORK = """
import os, signal
from main.util.concurrency import process_map, thread_map

if __name__ == "__main__":
    expected = [0, 1, 2]
    assert thread_map(abs, [0, -1, -2]) == process_map(abs, [0, -1, -2]) == expected
    child = os.fork()
    signal.alarm(20)
    assert thread_map(abs, [0, -1, -2]) == process_map(abs, [0, -1, -2]) == expected
    if child:
        assert os.waitpid(child, 0)[1] == 0
"""

IMPORTS = """
import multiprocessing, sys, threading
from main.util import cache, concurrency, observability

assert threading.active_count() == 1
assert not multiprocessing.active_children()
print(*sys.modules)
"""


def process_id(_: Any) -> int:
    return os.getpid()


def process_class(_: Any) -> str:
    return type(multiprocessing.current_process()).__name__


def run(script: str) -> str:
    """Run a script in a process of its own, with the package importable; return its output."""
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


class TestPools(IsolatedCase):
    def test_the_settings_choose_the_size(self) -> None:
        Scope(PoolSettings(threads=3)).activate()
        barrier = threading.Barrier(3)

        def name(_: int) -> str:
            barrier.wait(TIMEOUT)
            return threading.current_thread().name

        names = thread_map(name, range(9))
        self.assertEqual(len(set(names)), 3)

    def test_the_settings_have_bounds(self) -> None:
        for name, highest in (("APP_POOL_THREADS", 256), ("APP_POOL_PROCESSES", 64)):
            for size in (1, highest):
                load(PoolSettings, {name: str(size)})
            for size in (0, highest + 1):
                with self.subTest(name, size=size), self.assertRaisesRegex(SettingError, name):
                    load(PoolSettings, {name: str(size)})

    def test_importing_starts_nothing_and_loads_no_web_framework(self) -> None:
        # Every pool process imports these packages.
        heavy = {"flask", "marshmallow", "prometheus_client", "requests", "werkzeug"}
        self.assertEqual(heavy & set(run(IMPORTS).split()), set())

    def test_pool_processes_are_spawned(self) -> None:
        self.assertEqual(process_map(process_class, [0]), ["SpawnProcess"])

    @unittest.skipIf(sys.platform == "win32", "Windows cannot fork")
    def test_a_forked_process_creates_pools_of_its_own(self) -> None:
        run(FORK)


class TestUwsgi(IsolatedCase):
    def test_maps_run_inline_in_the_master(self) -> None:
        with fake_uwsgi(masterpid=os.getpid):
            self.assertEqual(process_map(process_id, [0]), [os.getpid()])
            names = thread_map(lambda _: threading.current_thread().name, [0])
        self.assertEqual(names, [threading.current_thread().name])

    @unittest.skipIf(sys.platform == "win32", "uWSGI does not run on Windows")
    def test_a_worker_spawns_python_although_sys_executable_is_uwsgi(self) -> None:
        self.addCleanup(multiprocessing.set_executable, sys.executable)
        multiprocessing.set_executable("/nonexistent/uwsgi")
        with fake_uwsgi(masterpid=lambda: -1):
            self.assertNotEqual(process_map(process_id, [0]), [os.getpid()])


def fake_uwsgi(**functions: Any) -> Any:
    """Return a context in which the module `uwsgi` can be imported."""
    return mock.patch.dict("sys.modules", uwsgi=types.SimpleNamespace(**functions))
