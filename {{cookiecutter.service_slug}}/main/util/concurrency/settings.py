"""The size of the pools."""

from dataclasses import dataclass

from main.util.config import integer, setting


@dataclass(frozen=True, kw_only=True)
class PoolSettings:
    """The size of the pools."""

    threads: int = setting(
        "APP_POOL_THREADS", "16", integer(1, 256), "Threads that each worker has for thread_map."
    )
    processes: int = setting(
        "APP_POOL_PROCESSES", "2", integer(1, 64), "Processes that each worker has for process_map."
    )
