"""Pools: the threads and the processes of a worker, created when they are first used."""

import logging
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from main.util.concurrency import worker
from main.util.config import integer, setting

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


class ThreadPool(Executor):
    """Threads that wait for tasks. A task costs half the time of one in a ThreadPoolExecutor."""

    def __init__(self, size: int) -> None:
        self._tasks: SimpleQueue[tuple[Future[Any], Any]] = SimpleQueue()
        for number in range(size):
            name = f"{THREAD_NAME_PREFIX}_{number}"
            threading.Thread(target=self._work, name=name, daemon=True).start()

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        future: Future[Any] = Future()
        self._tasks.put((future, partial(fn, *args, **kwargs)))
        return future

    def queued(self) -> int:
        """Return how many tasks wait for a thread."""
        return self._tasks.qsize()

    def _work(self) -> None:
        while True:
            future, call = self._tasks.get()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:
                    future.set_exception(error)
            del future, call  # the next task may come much later


class ProcessPool(Executor):
    """Spawned processes, which are replaced after one has died."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._pool = self._create()
        self._in_flight: set[Future[Any]] = set()

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        # `fn` runs a function in a propagated context; the function is its first argument.
        call = worker.dumps((fn, args), f"{args[0]!r} or its argument")
        with self._lock:
            try:
                future = self._pool.submit(worker.run, call)
            except BrokenExecutor:  # A process has died, perhaps during another request.
                self._pool = self._create()
                future = self._pool.submit(worker.run, call)
        self._in_flight.add(future)
        future.add_done_callback(self._in_flight.discard)
        return future

    def queued(self) -> int:
        """Return how many tasks wait, without the few that are on their way to a process."""
        tasks = self._in_flight.copy()
        return sum(not (task.running() or task.done()) for task in tasks)

    def _create(self) -> Executor:
        # A forked process would inherit the locks that other threads hold.
        context = multiprocessing.get_context("spawn")
        if "uwsgi" in sys.modules:  # There, sys.executable is uWSGI.
            context.set_executable(str(Path(sys.prefix, "bin", "python3")))
        level = logging.getLogger().level
        return ProcessPoolExecutor(self._size, context, worker.initialize, (level,))


class Pools:
    """The pools of one application. Where no pool may be used, None means the calling thread."""

    def __init__(self, settings: PoolSettings) -> None:
        self._settings = settings
        self._pools: dict[Any, ThreadPool | ProcessPool] = {}

    def threads(self) -> Executor | None:
        """Return where `thread_map` runs: threads must not wait for others of their own pool."""
        in_pool = threading.current_thread().name.startswith(THREAD_NAME_PREFIX)
        return self._get(in_pool, ThreadPool, self._settings.threads)

    def processes(self) -> Executor | None:
        """Return where `process_map` runs: pool processes must not have pools themselves."""
        in_pool = multiprocessing.parent_process() is not None
        return self._get(in_pool, ProcessPool, self._settings.processes)

    def queued(self) -> Iterator[tuple[str, int]]:
        """Yield the name of each pool, and how many tasks of this process wait in it."""
        for name, create in (("threads", ThreadPool), ("processes", ProcessPool)):
            pool = self._pools.get((create, os.getpid()))
            yield name, pool.queued() if pool else 0

    def _get(
        self, in_pool: bool, create: Callable[..., ThreadPool | ProcessPool], *args: Any
    ) -> Executor | None:
        # uWSGI's master imports the application and then forks. Its threads would be missing in
        # the workers, and its pool processes would keep it from ending.
        uwsgi = sys.modules.get("uwsgi")
        if in_pool or (uwsgi and uwsgi.masterpid() == os.getpid()):
            return None
        # A forked process must not touch the pools of its parent, whose locks may be held.
        key = create, os.getpid()
        return self._pools.get(key) or self._pools.setdefault(key, create(*args))
