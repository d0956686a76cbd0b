import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import types
import unittest
from concurrent.futures import Executor, wait
from typing import Any, cast
from unittest import mock

from main.util.concurrency import Pools, PoolSettings, process_map, thread_map
from main.util.config import Scope
from test.case import IsolatedCase
from test.util.concurrency.tasks import TIMEOUT, nested_place, place

FORKS = """
    child = os.fork()
    signal.alarm(20)
    assert thread_map(abs, [0, -1, -2]) == process_map(abs, [0, -1, -2]) == [0, 1, 2]
    if child:
        assert os.waitpid(child, 0)[1] == 0
"""

TERMINATES = """
    (process,) = multiprocessing.active_children()
    process.terminate()
    assert wait([process.sentinel], 10)
"""

IMPORTS = """
import multiprocessing, sys, threading
from main.util import cache, concurrency, observability

assert threading.active_count() == 1
assert not multiprocessing.active_children()
print(*sys.modules)
"""

USES_POOLS = """
import multiprocessing, os, signal, sys
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from main.util.concurrency import process_map, thread_map

if __name__ == "__main__":
    if sys.platform != "win32":
        resource_tracker.ensure_running()  # Starting it would unblock the signal.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    thread_map(abs, [0])
    process_map(abs, [0])
"""


def run(script: str) -> str:
    """Run a script until it and its pool processes have ended; return its output."""
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    command = [sys.executable, "-c", script]
    return subprocess.check_output(command, env=environment, text=True, timeout=2 * TIMEOUT)


class TestPools(IsolatedCase):
    def setUp(self) -> None:
        Scope(PoolSettings(processes=1)).activate()

    def test_a_cancelled_task_is_skipped(self) -> None:
        threads = cast(Executor, Pools(PoolSettings(threads=1)).threads())
        gate = threading.Barrier(2)
        threads.submit(gate.wait, TIMEOUT)
        self.assertTrue(threads.submit(gate.wait, TIMEOUT).cancel())
        gate.wait(TIMEOUT)
        self.assertEqual(threads.submit(abs, -1).result(TIMEOUT), 1)

    def test_tasks_that_wait_are_counted_for_each_pool(self) -> None:
        pools = Pools(PoolSettings(threads=1, processes=1))
        self.assertEqual(dict(pools.queued()), {"threads": 0, "processes": 0})
        threads, processes = cast(Executor, pools.threads()), cast(Executor, pools.processes())
        gate = threading.Barrier(2)
        tasks = [threads.submit(gate.wait, TIMEOUT) for _ in range(2)]
        tasks += [processes.submit(abs, number) for number in range(6)]
        queued = dict(pools.queued())
        self.assertIn(queued["threads"], (1, 2))
        # One is running by now, and two more may be in the queue of the process.
        self.assertIn(queued["processes"], (3, 4, 5, 6))
        for _ in range(2):
            gate.wait(TIMEOUT)
        wait(tasks, TIMEOUT)
        self.assertEqual(dict(pools.queued()), {"threads": 0, "processes": 0})

    def test_importing_starts_nothing_and_loads_no_web_framework(self) -> None:
        # Every pool process imports these packages.
        heavy = {"flask", "marshmallow", "prometheus_client", "requests", "werkzeug"}
        self.assertEqual(heavy & set(run(IMPORTS).split()), set())

    def test_pool_processes_are_spawned_and_have_no_pools(self) -> None:
        outer, inner = (process_map(function, [0])[0] for function in (place, nested_place))
        self.assertEqual(outer.process_class, "SpawnProcess")
        self.assertEqual(outer.process, inner.process)

    @unittest.skipIf(sys.platform == "win32", "Windows cannot fork")
    def test_a_forked_process_creates_pools_of_its_own(self) -> None:
        run(USES_POOLS + FORKS)

    @unittest.skipIf(sys.platform == "win32", "Windows has no SIGKILL")
    def test_pool_processes_exit_when_their_parent_is_killed(self) -> None:
        with self.assertRaises(subprocess.CalledProcessError) as caught:
            run(USES_POOLS + "    os.kill(os.getpid(), signal.SIGKILL)")
        self.assertEqual(caught.exception.returncode, -signal.SIGKILL)

    @unittest.skipIf(sys.platform == "win32", "Windows does not block signals")
    def test_pool_processes_can_be_terminated_although_their_parent_blocks_signals(self) -> None:
        run(USES_POOLS + TERMINATES)

    def test_maps_run_inline_in_the_master_of_uwsgi(self) -> None:
        with fake_uwsgi(masterpid=os.getpid):
            places = process_map(place, [0]) + thread_map(place, [0])
        here = place(0)
        self.assertEqual([each[:2] for each in places], [here[:2]] * 2)

    @unittest.skipIf(sys.platform == "win32", "uWSGI does not run on Windows")
    def test_a_worker_spawns_python_although_sys_executable_is_uwsgi(self) -> None:
        self.addCleanup(multiprocessing.set_executable, sys.executable)
        multiprocessing.set_executable("/nonexistent/uwsgi")
        with fake_uwsgi(masterpid=lambda: -1):
            self.assertNotEqual(process_map(place, [0])[0].process, os.getpid())


def fake_uwsgi(**functions: Any) -> Any:
    """Return a context in which the module `uwsgi` can be imported."""
    return mock.patch.dict("sys.modules", uwsgi=types.SimpleNamespace(**functions))
