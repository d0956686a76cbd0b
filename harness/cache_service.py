"""Run a service whose cached functions tests and benchmarks can call."""

import re
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from harness.cache_server import SERVER_COUNTS, CacheServer, cache_settings
from harness.environment import install
from harness.project import ROOT, bake
from harness.stack import Stack
from harness.waiting import TIMEOUT, wait_until

CACHE_APP = ROOT / "harness" / "apps" / "cache_app.py"
# The module in which a service imports CACHE_APP: the metrics name its functions by it.
MODULE = "main.wsgi"
# Seconds: how long CACHE_APP's functions serve a fresh value, and then a stale one.
TTL, STALE_FOR = 1000.0, 2000.0


def cache_project(folder: Path, store: str, **answers: str) -> Path:
    """Bake and install a service with this store that runs CACHE_APP; return its folder."""
    project = install(bake(folder, cache_backend=store, sample_api="no", **answers))
    shutil.copy(CACHE_APP, project / "main" / "wsgi.py")
    return project


class Execution(NamedTuple):
    """One execution of a cached function: no call that the cache answers."""

    function: str
    pid: int


class CacheService(Stack):
    """A context in which a project of `cache_project` runs; actions are those of CACHE_APP."""

    def __init__(self, project: Path, store: str, **variables: str) -> None:
        super().__init__(project, APP_LOG_LEVEL="WARNING", **variables)
        self.store = store
        self.app_folder = self.folder / "app"
        self.app_folder.mkdir()
        self.variables |= {
            "CACHE_APP_FOLDER": str(self.app_folder),
            "CACHE_APP_TTL": str(TTL),
            "CACHE_APP_STALE_FOR": str(STALE_FOR),
        }

    def send(self, action: str, *arguments: Any) -> dict[str, Any]:
        """Run an action; return `value` or `error`, and the `pid` of the worker."""
        response = self.post("/actions", [action, *arguments])
        assert response.status == 200, response.body
        result = response.json()
        assert isinstance(result, dict)
        return result

    def perform(self, action: str, *arguments: Any) -> Any:
        """Run an action that must not fail; return its value."""
        result = self.send(action, *arguments)
        assert "value" in result, result
        return result["value"]

    def call_cached(self, function: str, *args: Any, **kwargs: Any) -> Any:
        """Call a cached function; return its value."""
        return self.perform("call", function, args, kwargs)

    def executions(self) -> list[Execution]:
        """Return every execution since the start."""
        file = self.app_folder / "executions"
        lines = file.read_text().splitlines() if file.exists() else []
        return [Execution(function, int(pid)) for function, pid in map(str.split, lines)]

    def outcomes(self, function: str) -> Counter[str]:
        """Return how often each outcome of a cached function was counted."""
        pattern = rf'^cache_calls_total\{{callable="{MODULE}.{function}",outcome="(\w+)"\}} (\S+)$'
        found = re.findall(pattern, self.metrics(), re.MULTILINE)
        return Counter({outcome: int(float(count)) for outcome, count in found})

    def set_clock(self, now: float | None) -> None:
        """Set the time in seconds that the cache reads; None restores the real clock."""
        file = self.app_folder / "clock"
        if now is None:
            file.unlink(missing_ok=True)
            return
        # Workers read the file at any moment, so replace it in one step.
        new = file.with_suffix(".new")
        new.write_text(repr(now))
        new.replace(file)

    def set_failing(self, failing: bool) -> None:
        """Let executions of `with_stale` fail, or succeed again."""
        file = self.app_folder / "failing"
        if failing:
            file.touch()
        else:
            file.unlink(missing_ok=True)

    def block(self, name: str) -> None:
        """Let the next execution of blocking(name) wait for `unblock`."""
        (self.app_folder / f"block-{name}").touch()

    def is_blocked(self, name: str) -> bool:
        """Return whether an execution of blocking(name) waits."""
        return (self.app_folder / f"blocked-{name}").exists()

    def wait_until_blocked(self, name: str) -> None:
        """Wait for an execution of blocking(name) after `block`."""
        wait_until(lambda: self.is_blocked(name))

    def unblock(self, name: str) -> None:
        """End the wait of blocking(name)."""
        (self.app_folder / f"blocked-{name}").unlink()


@contextmanager
def running_cache_service(
    project: Path, store: str, servers: list[CacheServer] | None = None, /, **variables: str
) -> Iterator[CacheService]:
    """Run a project of `cache_project`; start the servers of its store unless some are given."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if servers is None:
            count = SERVER_COUNTS.get(store, 0)
            servers = [stack.enter_context(CacheServer(store)) for _ in range(count)]
        settings = {**cache_settings(store, servers, folder / "store"), **variables}
        yield stack.enter_context(CacheService(project, store, **settings))


class ConcurrentCallers:
    """Threads that run the same action at the same moment."""

    def __init__(self, count: int) -> None:
        self.count = count

    def send(self, service: CacheService, action: str, *arguments: Any) -> list[dict[str, Any]]:
        """Run the action once in each thread; return the results."""
        barrier = threading.Barrier(self.count)

        def run(_: int) -> dict[str, Any]:
            barrier.wait(TIMEOUT)
            return service.send(action, *arguments)

        with ThreadPoolExecutor(self.count) as executor:
            return list(executor.map(run, range(self.count)))
