"""Inject faults into a running service several times a minute."""

import contextlib
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable
from typing import Self

import psutil

from harness.cache_server import CacheServer
from harness.stack import Stack
from harness.waiting import wait_until

# Seconds between two outages of the cache server, and the length of an outage.
OUTAGE_INTERVAL, OUTAGE = 3.0, 1.0
# Seconds between two kills of pool processes.
KILL_INTERVAL = 4.0


class Chaos:
    """A context in which faults happen; `events` counts them, `errors` counts failed recoveries.

    `reload_interval` is the number of seconds between two reloads of uWSGI; None: no reloads.
    """

    def __init__(self, stack: Stack, cache: CacheServer, reload_interval: float | None) -> None:
        self.stack = stack
        self.cache = cache
        self.events: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        faults = [(OUTAGE_INTERVAL, self._cache_outage), (KILL_INTERVAL, self._kill_pool_process)]
        if reload_interval:
            self._master = psutil.Process(stack.uwsgi())
            faults.append((reload_interval, self._reload))
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._repeat, args=each) for each in faults]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, interval: float, inject: Callable[[], None]) -> None:
        while not self._stopping.wait(interval):
            try:
                inject()
            except (AssertionError, OSError, psutil.Error) as error:
                self.errors[f"{inject.__name__.strip('_')}: {error}"] += 1

    def _cache_outage(self) -> None:
        """Kill and restart the cache server, or freeze it every second time."""
        if self.events["cache killed"] > self.events["cache frozen"]:
            with self.cache.frozen():
                self._stopping.wait(OUTAGE)
            self.events["cache frozen"] += 1
        else:
            self.cache.kill()
            self._stopping.wait(OUTAGE)
            self.cache.start()
            self.events["cache killed"] += 1

    def _kill_pool_process(self) -> None:
        """Kill a random process of the workers' pools, if there is one."""
        pool_processes = []
        for process in self.stack.processes():
            with contextlib.suppress(psutil.Error):
                if "spawn_main" in " ".join(process.cmdline()):
                    pool_processes.append(process)
        if pool_processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                random.choice(pool_processes).kill()  # noqa: S311
                self.events["pool process killed"] += 1

    def _reload(self) -> None:
        """Reload nginx and uWSGI, and wait until both are ready again."""
        before = self._ready_count()
        self.stack.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self._ready_count() > before)
        self.events["uWSGI reloaded"] += 1

    def _ready_count(self) -> int:
        return self.stack.log.path.read_bytes().count(b'"stack.ready"')
