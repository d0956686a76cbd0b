"""The cost of `@cached`: hits, stampedes, outages of the store, and a cached endpoint."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext, suppress
from pathlib import Path

from benchmarks.results import AtMost, Goal, NoFailedRequest, RatioAtLeast, RatioAtMost, Row
from benchmarks.wrk import FailedRequestsError, rate, require_wrk
from harness.cache_server import (
    NETWORK_STORES,
    SERVER_COUNTS,
    CacheServer,
    cache_settings,
    store_running,
)
from harness.cache_service import (
    CacheService,
    ConcurrentCallers,
    cache_project,
    running_cache_service,
)
from harness.environment import install
from harness.project import CHOICES, ROOT, bake
from harness.stack import Stack

STORES = CHOICES["cache_backend"]
LOCK = ROOT / "requirements" / "benchmarks.txt"
HITS_APP = Path(__file__).with_name("hits_app.py")
# Store, alternative in hits_app.py: the goal for a hit.
HIT_GOALS: dict[tuple[str, str], Goal] = {
    ("memory", "dogpile.cache"): AtMost(3.5),
    ("memory", "Flask-Caching"): AtMost(3.5),
    ("memcached", "raw client"): RatioAtMost(1.15),
    ("redis", "raw client"): RatioAtMost(1.15),
    ("uwsgi", "cache_get with JSON"): RatioAtMost(3),
}
TURNS = 5
CALLERS, WORKERS = 32, 8

# A wrk script that posts one number a request.
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
    """Look up one cached key in a worker of the stack; compare with the store's raw client."""
    for store in STORES:
        project = bake(folder / store, cache_backend=store, sample_api="no")
        install(project, LOCK)
        shutil.copy(HITS_APP, project / "main" / "wsgi.py")
        with (
            store_running(store) as settings,
            Stack(project, UWSGI_PROCESSES="1", **settings) as service,
        ):
            series = service.get(f"/hits/{store}").json()
        ours, many = series.pop("ours"), series.pop("20 keys")
        many_goal = RatioAtMost(2) if store in NETWORK_STORES else None
        yield Row(f"20 keys at once, {store}", "µs", many, "one key", ours, many_goal)
        for alternative, theirs in series.items():
            goal = HIT_GOALS.get((store, alternative))
            yield Row(f"hit, {store}", "µs", ours, alternative, theirs, goal)


def stampede(folder: Path) -> Iterator[Row]:
    """Let concurrent callers in several workers call a function for a cold key."""
    for store in STORES:
        project = cache_project(folder / store, store)
        executions, calls = [], []
        workers = {"UWSGI_PROCESSES": str(WORKERS), "UWSGI_THREADS": str(CALLERS // WORKERS)}
        with running_cache_service(project, store, **workers) as service:
            callers = ConcurrentCallers(CALLERS)
            for turn in range(TURNS):
                before = len(service.executions())
                callers.send(service, "call", "with_stale", [f"cold {turn}", 0.1], {})
                executions.append(float(len(service.executions()) - before))
                calls.append(float(CALLERS))
        # Each worker has a memory store of its own.
        goal = AtMost(WORKERS if store == "memory" else 1)
        yield Row(f"stampede, {store}", "executions", executions, "calls", calls, goal)


def outage(folder: Path) -> Iterator[Row]:
    """Time the first and the second call after the cache server was killed or frozen."""
    for store in SERVER_COUNTS:
        project = cache_project(folder / store, store)
        for kind in ("killed", "frozen"):
            first, second = [], []
            for _ in range(TURNS):
                with (
                    CacheServer(store) as server,
                    running_cache_service(project, store, [server], UWSGI_PROCESSES="1") as service,
                ):
                    service.call_cached("echo", "warm")
                    if kind == "killed":
                        server.kill()
                    with server.frozen() if kind == "frozen" else nullcontext():
                        first.append(_milliseconds(service, "first"))
                        second.append(_milliseconds(service, "second"))
            name = f"second call, {store} {kind}"
            yield Row(name, "ms", second, "first call", first, RatioAtMost(1))


def _milliseconds(service: CacheService, key: str) -> float:
    """Return the duration of a request that calls a function for a cold key."""
    started = time.perf_counter()
    service.call_cached("echo", key)
    return (time.perf_counter() - started) * 1000


def primes(folder: Path) -> Iterator[Row]:
    """Request the primes endpoint with warm and cold keys, and during outages of the store."""
    require_wrk()
    warm_script, cold_script = folder / "warm.lua", folder / "cold.lua"
    warm_script.write_text(SCRIPT.format(number="1000000007 + counter % 8"))
    cold_script.write_text(SCRIPT.format(number="math.random(1000000, 99999999)"))

    def post(service: Stack, script: Path, seed: int = 1) -> float:
        return rate(service.url, "/v1/primes", "-s", str(script), "--", str(seed))

    for store in STORES:
        project = install(bake(folder / store, cache_backend=store))
        warm, cold, failing = [], [], []
        with ExitStack() as stack:
            count = SERVER_COUNTS.get(store, 0)
            servers = [stack.enter_context(CacheServer(store)) for _ in range(count)]
            settings = cache_settings(store, servers, folder / f"{store}-entries")
            service = stack.enter_context(Stack(project, **settings))
            # While the pools start their processes, responses may be too late for wrk.
            with suppress(FailedRequestsError):
                post(service, cold_script)
            for turn in range(3):
                cold.append(post(service, cold_script, seed=2 + turn))
                warm.append(post(service, warm_script))
                if servers:
                    with Outages(servers):
                        failing.append(post(service, warm_script))
        name = f"POST /v1/primes, {store}"
        yield Row(f"{name}, warm", "requests/s", warm, "cold", cold, RatioAtLeast(1))
        if failing:
            goal = NoFailedRequest()
            yield Row(f"{name}, servers restarted", "requests/s", failing, "warm", warm, goal)


class Outages:
    """A context in which one server after the other is killed and started again."""

    def __init__(self, servers: list[CacheServer]) -> None:
        self.servers = servers
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exception: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            for server in self.servers:
                server.kill()
                self._stopping.wait(0.7)
                server.start()
                self._stopping.wait(0.7)
