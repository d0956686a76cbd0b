"""What `@cached` costs: a hit beside the raw client, a stampede, a server that is down."""

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks import Row
from benchmarks.rates import rate, require_wrk
from tests.bakery import CHOICES, ROOT, bake, install
from tests.servers import Server, settings
from tests.stack import Stack
from tests.test_cache_contract import DRIVER, NETWORK, SERVERS, Service, Together, running

HITS_APP = Path(__file__).with_name("hits_app.py")
GOALS = {
    "memory": "at most 3.5 µs, and below the others",
    "file": "at most 1.3",
    "memcached": "at most 1.15",
    "redis": "at most 1.15",
    "uwsgi": "at most 2",
}
TURNS = 5

# A hit for each number: wrk asks for the same few, or for ever new ones.
SCRIPT = """
counter = 0
function init(arguments) math.randomseed(tonumber(arguments[1])) end
function request()
  counter = counter + 1
  local number = {number}
  local body = '{{"numbers":[' .. string.format("%d", number) .. ']}}'
  return wrk.format("POST", nil, {{["Content-Type"] = "application/json"}}, body)
end
"""


def hits(folder: Path) -> Iterator[Row]:
    """Ask for one key that is there, in a worker of the real stack."""
    for backend in CHOICES["cache_backend"]:
        project = bake(folder / backend, cache_backend=backend, sample_api="no")
        install(project, ROOT / "benchmarks" / "requirements.txt")
        shutil.copy(HITS_APP, project / "main" / "wsgi.py")
        with ExitStack() as stack:
            servers = [stack.enter_context(Server(backend)) for _ in range(SERVERS.get(backend, 0))]
            variables = settings(backend, servers, folder / "store")
            service = stack.enter_context(Stack(project, UWSGI_PROCESSES="1", **variables))
            series = service.get(f"/hits/{backend}").json()
        ours = series.pop("ours")
        for other, theirs in series.items():
            yield Row(f"a hit, {backend}", "µs", ours, other, theirs, GOALS[backend])


def driver(folder: Path, backend: str) -> Path:
    """Bake a service with the tests' driver in it."""
    project = install(bake(folder / backend, cache_backend=backend, sample_api="no"))
    shutil.copy(DRIVER, project / "main" / "wsgi.py")
    return project


def stampede(folder: Path) -> Iterator[Row]:
    """Let 32 callers in 8 workers ask for a cold key of a function that takes 100 ms."""
    for backend in CHOICES["cache_backend"]:
        workers = {"UWSGI_PROCESSES": "8", "UWSGI_THREADS": "4"}
        made, asked = [], []
        with running(driver(folder, backend), backend, None, **workers) as service:
            for turn in range(TURNS):
                before = len(service.calls())
                with Together(32) as callers:
                    callers.ask(service, "call", "usual", [f"cold {turn}", 0.1], {})
                made.append(float(len(service.calls()) - before))
                asked.append(32.0)
        goal = "one a worker" if backend == "memory" else "1"
        yield Row(f"a stampede, {backend}", "calls", made, "callers", asked, goal)


def down(folder: Path) -> Iterator[Row]:
    """Time the first call and the second one when the server is closed, or silent."""
    for backend in NETWORK:
        project = driver(folder, backend)
        for kind in ("closed", "silent"):
            first, second = [], []
            for _ in range(TURNS):
                with (
                    Server(backend) as server,
                    running(project, backend, [server], UWSGI_PROCESSES="1") as service,
                ):
                    service.run("echo", "warm")
                    if kind == "closed":
                        server.kill()
                        first.append(timed(service, "first"))
                        second.append(timed(service, "second"))
                    else:
                        with server.frozen():
                            first.append(timed(service, "first"))
                            second.append(timed(service, "second"))
            what = f"{backend} {kind}: the second call"
            yield Row(what, "ms", second, "the first call", first, "not slower than without")


def timed(service: Service, name: str) -> float:
    """Return the milliseconds of a request whose call is not kept yet."""
    started = time.perf_counter()
    service.run("echo", name)
    return (time.perf_counter() - started) * 1000


def primes(folder: Path) -> Iterator[Row]:
    """Ask for primes: ever new ones, always the same, and while the server dies and returns."""
    require_wrk()
    warm, cold = folder / "warm.lua", folder / "cold.lua"
    warm.write_text(SCRIPT.format(number="1000000007 + counter % 8"))
    cold.write_text(SCRIPT.format(number="math.random(1000000, 99999999)"))
    for backend in CHOICES["cache_backend"]:
        project = install(bake(folder / backend, cache_backend=backend))
        fast, slow, killed = [], [], []
        with ExitStack() as stack:
            servers = [stack.enter_context(Server(backend)) for _ in range(SERVERS.get(backend, 0))]
            store = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            service = stack.enter_context(Stack(project, **settings(backend, servers, store)))
            url = service.url
            for turn in range(3):
                slow.append(rate(url, "/v1/primes", "-s", str(cold), "--", str(turn)))
                fast.append(rate(url, "/v1/primes", "-s", str(warm), "--", "1"))
                if servers:
                    over = threading.Event()
                    killer = threading.Thread(target=harass, args=(servers, over))
                    killer.start()
                    killed.append(rate(url, "/v1/primes", "-s", str(warm), "--", "1"))
                    over.set()
                    killer.join()
        what = f"POST /v1/primes, {backend}"
        yield Row(f"{what}, warm", "requests/s", fast, "cold", slow, "more")
        if killed:
            goal = "no error: one would have ended this"
            yield Row(
                f"{what}, server killed and restarted", "requests/s", killed, "warm", fast, goal
            )


def harass(servers: list[Server], over: threading.Event) -> None:
    """Kill a server after the other, and start it again."""
    while not over.is_set():
        for server in servers:
            server.kill()
            over.wait(0.7)
            server.start()
            over.wait(0.7)
