"""Pools."""

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import types
import unittest
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import resource_tracker
from typing import Any
from unittest import mock

from main.util import pools
from main.util.concurrency import process_map, thread_map
from main.util.config import load
from main.util.pools import PoolSettings

PATIENCE = 10.0


def pid(_: Any) -> int:
    return os.getpid()


def kind(_: Any) -> str:
    return type(multiprocessing.current_process()).__name__


class TestPools(unittest.TestCase):
    """They are made when they are needed, one a process and size."""

    def setUp(self) -> None:
        patch = mock.patch.multiple(pools, _settings=None, _pools={})
        patch.start()
        self.addCleanup(patch.stop)

    def made(self) -> list[Any]:
        """Return the pools that there are, and see to it that they end."""
        for pool in pools._pools.values():
            self.addCleanup(pool.shutdown)
        return list(pools._pools.values())

    def test_they_are_made_at_first_use(self) -> None:
        self.assertEqual(self.made(), [])
        for _ in range(2):
            thread_map(pid, [0])
        self.assertEqual([type(pool) for pool in self.made()], [ThreadPoolExecutor])

    def test_the_sizes_are_settings(self) -> None:
        with mock.patch.dict(os.environ, APP_POOL_THREADS="3"):
            thread_map(pid, [0])
        pools.configure(PoolSettings(threads="5", processes="1"))  # type: ignore[call-arg]
        thread_map(pid, [0])
        self.assertEqual([pool._max_workers for pool in self.made()], [3, 5])

    def test_the_sizes_have_bounds(self) -> None:
        for name, most in (("APP_POOL_THREADS", 256), ("APP_POOL_PROCESSES", 64)):
            for size in (1, most):
                load(PoolSettings, {name: str(size)})
            for size in (0, most + 1):
                with self.subTest(name, size=size), self.assertRaisesRegex(ValueError, name):
                    load(PoolSettings, {name: str(size)})

    def test_a_fork_has_pools_of_its_own(self) -> None:
        thread_map(pid, [0])
        with mock.patch("os.getpid", return_value=-1):
            thread_map(pid, [0])
        self.assertEqual(len(self.made()), 2)

    def test_processes_are_never_forked(self) -> None:
        self.assertEqual(process_map(kind, [0]), ["SpawnProcess"])
        self.made()

    def test_under_uwsgi_the_interpreter_is_named(self) -> None:
        # There, sys.executable is uWSGI.
        with (
            mock.patch.dict("sys.modules", uwsgi=types.SimpleNamespace()),
            mock.patch.object(pools, "ProcessPoolExecutor"),
            mock.patch("multiprocessing.spawn.set_executable") as named,
        ):
            pools._new_processes(1)
        named.assert_called_once_with(os.path.join(sys.prefix, "bin", "python3"))

    def test_uwsgi_s_master_has_none(self) -> None:
        master = types.SimpleNamespace(masterpid=os.getpid)
        with mock.patch.dict("sys.modules", uwsgi=master):
            self.assertEqual(process_map(pid, [0]), [os.getpid()])
            self.assertEqual(thread_map(pid, [0]), [os.getpid()])
        self.assertEqual(self.made(), [])

    def test_its_workers_have_them(self) -> None:
        for distance in (-1, 1):
            worker = types.SimpleNamespace(masterpid=lambda away=distance: os.getpid() + away)
            with mock.patch.dict("sys.modules", uwsgi=worker):
                self.assertFalse(pools.is_master())

    def test_a_process_that_may_have_no_children_works_itself(self) -> None:
        with mock.patch("multiprocessing.current_process") as current:
            current.return_value.daemon = True
            self.assertEqual(process_map(pid, [0]), [os.getpid()])


class TestChild(unittest.TestCase):
    """A process of the pool, as seen from within."""

    def test_it_logs_like_its_parent_and_leaves_ctrl_c_to_it(self) -> None:
        before = signal.getsignal(signal.SIGINT), logging.getLogger().level
        ended = threading.Event()
        with (
            mock.patch.object(pools, "_is_child", False),
            mock.patch("multiprocessing.parent_process") as parent,
            mock.patch("os._exit", side_effect=lambda _: ended.set()) as leave,
        ):
            pools._start_child("ERROR")
            self.assertTrue(ended.wait(PATIENCE))
        self.assertIs(signal.getsignal(signal.SIGINT), signal.SIG_IGN)
        self.assertEqual(logging.getLogger().level, logging.ERROR)
        signal.signal(signal.SIGINT, before[0])
        logging.getLogger().setLevel(before[1])
        parent.return_value.join.assert_called_once_with()
        leave.assert_called_once_with(1)

    def test_it_is_small(self) -> None:
        # What the decorators and maps of a service import: these would make it twice as large.
        heavy = {"flask", "marshmallow", "prometheus_client", "requests", "werkzeug"}
        script = "import sys; from main.util import cache, concurrency, timing; print(*sys.modules)"
        loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
        self.assertEqual(heavy & set(loaded.stdout.decode().split()), set())

    def test_it_does_not_outlive_its_parent(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        parent = context.Process(target=report_child_and_wait, args=(theirs,))
        parent.start()
        child = ours.recv()
        parent.kill()
        parent.join()
        self.assert_ends(child)

    @unittest.skipIf(sys.platform == "win32", "Windows has no such signals")
    def test_it_can_be_ended_although_its_parent_blocks_signals(self) -> None:
        resource_tracker.ensure_running()  # it would unblock them
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        self.addCleanup(signal.pthread_sigmask, signal.SIG_SETMASK, before)
        pool: Any = pools._new_processes(1)
        self.addCleanup(pool.shutdown)
        child = pool.submit(pid, None).result()
        self.addCleanup(pool._processes[child].kill)
        os.kill(child, signal.SIGTERM)
        self.assert_ends(child)

    def assert_ends(self, child: int) -> None:
        """Assert that the process ends."""
        deadline = time.monotonic() + PATIENCE
        while alive(child):
            self.assertLess(time.monotonic(), deadline, "the child lives on")
            threading.Event().wait(0.01)


def report_child_and_wait(pipe: Any) -> None:
    pipe.send(process_map(pid, [None])[0])
    threading.Event().wait()


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True
