"""Concurrency: map a function over items, on threads for I/O or on processes for the CPU."""

from contextvars import copy_context

from main.util.concurrency.maps import Maps
from main.util.concurrency.pools import Pools, PoolSettings
from main.util.context import PropagatedContext

# The function sees all context variables of the caller. A `thread_map` within a `thread_map` runs
# its items one after the other.
_threads = Maps(Pools.threads, copy_context)
thread_map = _threads.in_order
thread_map_unordered = _threads.as_completed

# The function sees the request id and the deadline of the caller. It should be idempotent, because
# a task that is lost with a process is retried once. Losing it again raises `BrokenExecutor`, and
# what cannot be passed to another process raises `PicklingError`.
_processes = Maps(Pools.processes, PropagatedContext.capture)
process_map = _processes.in_order
process_map_unordered = _processes.as_completed
