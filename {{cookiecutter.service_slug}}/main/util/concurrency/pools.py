"""Pools: the threads and the processes of a worker, created when they are first used."""

import logging
import multiprocessing
import os
import sys
import threading
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from main.util.concurrency import worker
from main.util.config import current_scope, integer, setting

THREAD_NAME_PREFIX = "thread_map"


@dataclass(frozen=True, kw_only=True)
class PoolSettings:
    """The size of the pools."""

    threads: int = setting(
        "APP_POOL_THREADS", "16", integer(1, 256), "Threads that each worker has for thread_map."
    )
    processes: int = setting(
        "APP_POOL_PROCESSES", "2", integer(1, 64), "Processes that each worker has for process_map."
    )


class Pools:
    """The pools of one application, by process id.

    A forked process creates its own. It does not touch those of its parent, whose locks may have
    been copied while they were held. For that reason, no lock guards the dictionaries either.
    """

    def __init__(self, settings: PoolSettings) -> None:
        self._settings = settings
        self._thread_pools: dict[int, Executor] = {}
        self._process_pools: dict[int, Executor] = {}

    def threads(self) -> Executor:
        """Return the thread pool of this process."""
        pool = self._thread_pools.get(os.getpid())
        if pool is None:
            new = ThreadPoolExecutor(self._settings.threads, THREAD_NAME_PREFIX)
            pool = self._thread_pools.setdefault(os.getpid(), new)
        return pool

    def processes(self, replacing: Executor | None = None) -> Executor:
        """Return the process pool of this process, a new one if it is the pool to replace."""
        pool = self._process_pools.get(os.getpid())
        if pool is None:
            new = _new_process_pool(self._settings.processes)
            pool = self._process_pools.setdefault(os.getpid(), new)
        elif pool is replacing:
            pool = self._process_pools[os.getpid()] = _new_process_pool(self._settings.processes)
        return pool


def current_pools() -> Pools:
    """Return the pools of the current application."""
    return current_scope().get(Pools, PoolSettings)


def is_pool_thread() -> bool:
    """Return whether a thread pool runs the caller."""
    return threading.current_thread().name.startswith(THREAD_NAME_PREFIX)


def is_uwsgi_master() -> bool:
    """Return whether this is uWSGI's master, which imports the application and then forks.

    Its threads would be missing in the workers, and its pool processes would keep it from ending.
    """
    uwsgi = sys.modules.get("uwsgi")
    return uwsgi is not None and uwsgi.masterpid() == os.getpid()


def can_spawn_processes() -> bool:
    """Return whether this process may have pool processes; they may not have any themselves."""
    return multiprocessing.parent_process() is None and not is_uwsgi_master()


def _new_process_pool(size: int) -> Executor:
    # A forked process would inherit the locks that other threads hold.
    context = multiprocessing.get_context("spawn")
    if "uwsgi" in sys.modules:  # There, sys.executable is uWSGI.
        context.set_executable(str(Path(sys.prefix, "bin", "python3")))
    return ProcessPoolExecutor(size, context, worker.initialize, (logging.getLogger().level,))
