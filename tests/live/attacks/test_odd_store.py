"""The server of the cache accepts connections, but it is silent, or its replies trickle in.

A request once waited for such a reply for 27 seconds, and 32 callers of /readyz, which is public,
slowed the others from 2 ms to 0.8 s. Now both wait for one timeout only.
"""

import contextlib
import re
import socketserver
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.cache_server import CacheServer
from harness.project import Bake, patched_copy
from harness.stack import Stack, StackType
from harness.waiting import HOST, wait_until

STORE = "redis"
# With a timeout of 0.25 s for each of them, four threads would take four seconds.
READINESS_CALLS, CALLS = 64, 20
CACHED_ECHO = """
    from main.util.cache import cached

    @cached
    def echo(name: str) -> str:
        return name

    app.add_url_rule("/echo/<name>", view_func=echo)
"""


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
def odd_project(installed: Bake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bake and install a service that has a cached view and this store."""
    made = '    app.extensions["scope"].make_default()\n'
    folder = tmp_path_factory.mktemp("odd-store") / "service"
    changes = {made: made + CACHED_ECHO}
    return patched_copy(installed(cache_backend=STORE), folder, "main/wsgi.py", changes)


@contextlib.contextmanager
def running(stack_type: StackType, project: Path, server: CacheServer) -> Iterator[Stack]:
    """Run the service with one worker of four threads."""
    url = f"redis://{server.address}/0"
    with server, stack_type(project, APP_CACHE_URL=url, UWSGI_PROCESSES="1") as service:
        yield service


def failed_calls(service: Stack) -> float:
    """Return how many calls of the cached view have met a failing store."""
    pattern = r'^cache_calls_total\{callable="main.wsgi.echo",outcome="error"\} (\S+)$'
    return sum(map(float, re.findall(pattern, service.metrics(), re.MULTILINE)))


def test_replies_that_trickle_in_cost_one_timeout(stack_type: StackType, odd_project: Path) -> None:
    """The service does without its cache, tries it again once, and logs the reason."""
    with running(stack_type, odd_project, TricklingServer(STORE)) as service:
        durations: list[float] = []

        def has_tried_the_server() -> bool:
            started = time.monotonic()
            assert service.get(f"/echo/{len(durations)}").status == 200
            durations.append(time.monotonic() - started)
            return failed_calls(service) > 0

        wait_until(has_tried_the_server)
        assert max(durations) < 1
        # Of the check at the start, and not of each call.
        (line,) = service.lines(event="cache.down")
        assert "TimeoutError" in line["reason"]


def test_callers_of_readyz_do_not_slow_others(
    stack_type: StackType, odd_project: Path, executor: ThreadPoolExecutor
) -> None:
    """They share one check of a silent server a second, and its change of state is one line."""
    server = CacheServer(STORE)
    with running(stack_type, odd_project, server) as service, server.frozen():
        started = time.monotonic()
        probes = [executor.submit(service.get, "/readyz") for _ in range(READINESS_CALLS)]
        for number in range(CALLS):
            assert service.get(f"/echo/{number}").body == str(number).encode()
        assert {probe.result().status for probe in probes} == {200}
        assert time.monotonic() - started < 3
        wait_until(lambda: service.get("/readyz").json()["status"] == "degraded")
        (line,) = service.lines(event="dependency.down")
        assert "exc_info" not in line
