"""The server of the cache accepts connections, but it is silent, or its replies trickle in.

A request once waited for such a reply for 27 seconds, and 32 callers of /readyz, which is public,
slowed the others from 2 ms to 0.8 s. Now both wait for one timeout only.
"""

import contextlib
import socketserver
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.cache_server import CacheServer
from harness.cache_service import CacheService, cache_project, running_cache_service
from harness.waiting import HOST, wait_until

STORE = "redis"
# With a timeout of 0.25 s for each of them, four threads would take four seconds.
READINESS_CALLS, CALLS = 64, 20


class Trickle(socketserver.BaseRequestHandler):
    """Replies with a byte every 50 milliseconds, until the client closes the connection."""

    def handle(self) -> None:
        """Reply to the first command."""
        self.request.recv(65536)
        with contextlib.suppress(OSError):
            while True:
                self.request.sendall(b"1")
                time.sleep(0.05)


class TricklingServer(CacheServer):
    """A server that never completes a reply."""

    def start(self) -> None:
        """Listen."""
        self.server = socketserver.ThreadingTCPServer((HOST, self.port), Trickle)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()

    def kill(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def odd_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bake and install a service that has cached functions and this store."""
    return cache_project(tmp_path_factory.mktemp("odd-store"), STORE)


@contextlib.contextmanager
def running(project: Path, server: CacheServer) -> Iterator[CacheService]:
    """Run the service with one worker of four threads."""
    with (
        server,
        running_cache_service(project, STORE, [server], UWSGI_PROCESSES="1") as service,
    ):
        yield service


def test_replies_that_trickle_in_cost_one_timeout(odd_project: Path) -> None:
    """The service does without its cache, tries it again once, and logs the reason."""
    with running(odd_project, TricklingServer(STORE)) as service:
        durations: list[float] = []

        def has_tried_the_server() -> bool:
            started = time.monotonic()
            service.call_cached("with_stale", len(durations))
            durations.append(time.monotonic() - started)
            return service.outcomes("with_stale")["error"] > 0

        wait_until(has_tried_the_server)
        assert max(durations) < 1
        # Of the check at the start, and not of each call.
        (line,) = service.lines(event="cache.down")
        assert "TimeoutError" in line["reason"]


def test_callers_of_readyz_do_not_slow_others(
    odd_project: Path, executor: ThreadPoolExecutor
) -> None:
    """They share one check of a silent server a second, and its change of state is one line."""
    server = CacheServer(STORE)
    with running(odd_project, server) as service, server.frozen():
        started = time.monotonic()
        probes = [executor.submit(service.get, "/readyz") for _ in range(READINESS_CALLS)]
        for number in range(CALLS):
            assert service.call_cached("with_stale", number)[0] == number
        assert {probe.result().status for probe in probes} == {200}
        assert time.monotonic() - started < 3
        wait_until(lambda: service.get("/readyz").json()["status"] == "degraded")
        (line,) = service.lines(event="dependency.down")
        assert "exc_info" not in line
