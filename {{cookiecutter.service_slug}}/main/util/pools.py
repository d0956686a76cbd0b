"""Pools: the threads and processes of a worker that do work for its requests.

Each worker has pools of its own, made when they are first used. The processes are spawned, never
forked, and end with the worker, however that ends.
"""

import logging
import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import environ

from main.util import config, logs
from main.util.config import setting, whole


@environ.config(prefix="APP_POOL", frozen=True)
class PoolSettings:
    """How large the pools are."""

    threads: int = setting(
        "APP_POOL_THREADS", "16", whole(1, 256), "Threads that each worker has for thread_map."
    )
    processes: int = setting(
        "APP_POOL_PROCESSES", "2", whole(1, 64), "Processes that each worker has for process_map."
    )


_settings: PoolSettings | None = None
_pools: dict[tuple[int, str, int], Executor] = {}
_is_child = False


def configure(settings: PoolSettings) -> PoolSettings:
    """Set the sizes of the pools that are made from now on."""
    global _settings
    _settings = settings
    return settings


def current() -> PoolSettings:
    """Return the sizes; a process without an application gets what the environment says."""
    return _settings or configure(config.load(PoolSettings))


def get(kind: str, instead_of: Executor | None = None) -> Executor:
    """Return this process's pool of threads or of processes, new if it is that broken one.

    No lock guards the dictionary, since a fork could copy it locked: who comes second uses what
    the first one put in, and a pool that nobody uses has no threads and no processes.
    """
    size = getattr(current(), kind)
    key = os.getpid(), kind, size
    if instead_of is not None and _pools.get(key) is instead_of:
        _pools.pop(key, None)
        instead_of.shutdown(wait=False)
    pool = _pools.get(key)
    if pool is None:
        pool = _pools.setdefault(key, _MAKE[kind](size))
    return pool


def may_have_processes() -> bool:
    """Tell whether this process may have any: a daemon may not, and a child would multiply them."""
    return not (_is_child or multiprocessing.current_process().daemon or is_master())


def is_master() -> bool:
    """Tell whether this is uWSGI's master, which imports the application and then forks.

    Threads would not come along into its workers, and processes would keep it from ending.
    """
    uwsgi = sys.modules.get("uwsgi")
    return uwsgi is not None and uwsgi.masterpid() == os.getpid()


def _new_threads(size: int) -> Executor:
    return ThreadPoolExecutor(size, thread_name_prefix="thread_map")


def _new_processes(size: int) -> Executor:
    # Always spawn: a fork would copy the locks of this process's threads as they stand.
    context = multiprocessing.get_context("spawn")
    if "uwsgi" in sys.modules:  # there, sys.executable is uWSGI itself
        context.set_executable(str(Path(sys.prefix, "bin", "python3")))
    level = logging.getLevelName(logging.getLogger().level)
    return ProcessPoolExecutor(
        size, mp_context=context, initializer=_start_child, initargs=(level,)
    )


_MAKE = {"threads": _new_threads, "processes": _new_processes}


def _start_child(level: str) -> None:
    """Prepare a process of the pool: logs like its parent's, and no life after it."""
    global _is_child
    _is_child = True
    logs.configure(level)
    if sys.platform != "win32":
        # uWSGI's threads block all, and that is inherited: TERM ends what is left of a pool.
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A parent that was killed cannot tell its children; they would wait for work for ever.
    multiprocessing.parent_process().join()  # type: ignore[union-attr]
    os._exit(1)
