"""Executors: each runs the tasks of a map in one place.

A task calls `report(function, item)`, which calls the function and reports its outcome. `submit`
is called in the context of the caller of the map, and passes it on to the task.
"""

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from main.util.concurrency import pickling, pools
from main.util.concurrency.worker import run_pickled_task
from main.util.context import PropagatedContext

Function = Callable[[Any], Any]
Report = Callable[..., None]


class Inline:
    """Runs each task at once in the calling thread."""

    def submit(self, function: Function, item: Any, report: Report) -> Future[Any]:
        copy_context().run(report, function, item)
        return Future()


@dataclass(frozen=True)
class Threads:
    """Runs tasks on an executor's threads, with the whole context."""

    executor: Executor

    def submit(self, function: Function, item: Any, report: Report) -> Future[Any]:
        return self.executor.submit(copy_context().run, report, function, item)


@dataclass(frozen=True)
class External:
    """Runs tasks on any executor, with the picklable part of the context."""

    executor: Executor

    def submit(self, function: Function, item: Any, report: Report) -> Future[Any]:
        future = self.executor.submit(PropagatedContext.capture().run, function, item)
        future.add_done_callback(lambda future: report(future.result))
        return future


class Processes:
    """Runs tasks on the pool processes of this worker, with the picklable part of the context."""

    def submit(self, function: Function, item: Any, report: Report) -> Future[Any]:
        name = pickling.qualified_name(function)
        call = (
            PropagatedContext.capture(),
            pickling.dumps(function, name),
            pickling.dumps(item, f"the argument of {name}"),
        )
        pool = pools.current_pools().processes()
        try:
            future = pool.submit(run_pickled_task, *call)
        except BrokenExecutor:  # A process died, perhaps during another request.
            pool = pools.current_pools().processes(replacing=pool)
            future = pool.submit(run_pickled_task, *call)
        future.add_done_callback(lambda future: report(future.result))
        return future


TaskExecutor = Inline | Threads | External | Processes


def for_threads(executor: Executor | None) -> TaskExecutor:
    """Return where `thread_map` runs its tasks."""
    if executor is not None:
        return Threads(executor)
    # Tasks that wait for other threads of their own pool can deadlock.
    if pools.is_pool_thread() or pools.is_uwsgi_master():
        return Inline()
    return Threads(pools.current_pools().threads())


def for_processes(executor: Executor | None) -> TaskExecutor:
    """Return where `process_map` runs its tasks."""
    if executor is not None:
        return External(executor)
    return Processes() if pools.can_spawn_processes() else Inline()
