"""What a service meets in a long life, several times a minute."""

import contextlib
import random
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

import psutil

from tests.servers import Server
from tests.stack import Stack, until

# Seconds between two of a kind, and for which the cache server is away.
FLAP, KILL, AWAY = 3.0, 4.0, 1.0


class Trouble:
    """A context in which a service has it; `count` tells what there was, `errors` what broke.

    Without seconds between reloads there are none.
    """

    def __init__(self, stack: Stack, cache: Server, between_reloads: float | None) -> None:
        self.stack = stack
        self.cache = cache
        self.count: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        causes = [(FLAP, self._flap), (KILL, self._kill_helper)]
        if between_reloads:
            self._master = psutil.Process(stack.uwsgi())
            causes.append((between_reloads, self._reload))
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._repeat, args=each) for each in causes]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, seconds: float, cause: Callable[[], None]) -> None:
        while not self._over.wait(seconds):
            try:
                cause()
            except (AssertionError, OSError, psutil.Error) as error:
                self.errors[f"{cause.__name__.strip('_')}: {error}"] += 1

    def _flap(self) -> None:
        """Kill the cache server and start it again, or, every second time, let it be silent."""
        if self.count["cache killed"] > self.count["cache silent"]:
            with self.cache.frozen():
                self._over.wait(AWAY)
            self.count["cache silent"] += 1
        else:
            self.cache.kill()
            self._over.wait(AWAY)
            self.cache.start()
            self.count["cache killed"] += 1

    def _kill_helper(self) -> None:
        """Kill one of the processes that the workers' pools have."""
        helpers = []
        for process in self.stack.processes():
            with contextlib.suppress(psutil.Error):
                if "spawn_main" in " ".join(process.cmdline()):
                    helpers.append(process)
        if helpers:
            with contextlib.suppress(psutil.NoSuchProcess):
                random.choice(helpers).kill()  # noqa: S311
                self.count["pool process killed"] += 1

    def _reload(self) -> None:
        """Reload uWSGI, which ends each worker after what it is at."""
        before = set(self._master.children())
        (self.stack.run_dir / "uwsgi.fifo").write_text("r")
        until(lambda: before.isdisjoint(self._master.children()))
        self.count["uWSGI reloaded"] += 1
