"""Requests per second of the whole stack: nginx, uWSGI and the application."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil

from benchmarks.results import Goal, RatioAtLeast, RatioAtMost, Row
from benchmarks.version_one import VersionOneStack, bake_version_one
from benchmarks.wrk import SECONDS, rate_and_tail, require_wrk
from harness.environment import install
from harness.project import bake
from harness.stack import Stack

# The same endpoints with nothing but Flask.
BARE_FLASK = """
from flask import Flask, request

app = Flask("bare")


@app.get("/v1/hello")
def hello():
    return {"message": f"Hello, {request.args.get('name', 'World')}!"}


@app.get("/readyz")
def readyz():
    return {}
"""
# The goals beside each alternative: for the requests per second, and for the processor time of a
# request. The second is without that of wrk, which takes a part of the same processors.
GOALS: dict[str, tuple[Goal | None, Goal | None]] = {
    "version one": (RatioAtLeast(1.3), RatioAtMost(1 / 1.3)),
    "bare Flask": (RatioAtLeast(0.8), RatioAtMost(1 / 0.8)),
    "UWSGI_THREADS=1": (None, None),
}
TURNS = 5


def hello(folder: Path) -> Iterator[Row]:
    """Greet alternately from the service and its alternatives. Bare Flask runs in our stack."""
    require_wrk()
    service = install(bake(folder / "service"))
    bare = install(bake(folder / "bare"))
    (bare / "main" / "wsgi.py").write_text(BARE_FLASK, "utf-8")
    old = install(bake_version_one(folder))
    stacks = {
        "ours": Stack(service, APP_HELLO_MAX_AGE="0"),
        "version one": VersionOneStack(old, APP_HELLO_MAX_AGE="0"),
        "bare Flask": Stack(bare),
        "UWSGI_THREADS=1": Stack(service, APP_HELLO_MAX_AGE="0", UWSGI_THREADS="1"),
    }
    rates: dict[str, list[float]] = {name: [] for name in stacks}
    tails: dict[str, list[float]] = {name: [] for name in stacks}
    costs: dict[str, list[float]] = {name: [] for name in stacks}
    memory: dict[str, list[float]] = {}
    with ExitStack() as running:
        for stack in stacks.values():
            running.enter_context(stack)
        for turn in range(TURNS + 1):
            for name, stack in stacks.items():
                before = processor_time(stack)
                rate, tail = rate_and_tail(stack.url)
                if turn:  # The first turn warms up.
                    rates[name].append(rate)
                    tails[name].append(tail)
                    requests = rate * SECONDS
                    costs[name].append((processor_time(stack) - before) / requests * 1e6)
        for name, stack in stacks.items():
            memory[name] = [worker_memory(pid) for pid in stack.workers()]
    title = "GET /v1/hello"
    for name, (goal, cost_goal) in GOALS.items():
        yield Row(title, "requests/s", rates["ours"], name, rates[name], goal)
        yield Row(f"{title}, processor", "µs", costs["ours"], name, costs[name], cost_goal)
        yield Row(f"{title}, 99th percentile", "ms", tails["ours"], name, tails[name])
    title, name = "memory of a worker", "version one"
    yield Row(title, "MB", memory["ours"], name, memory[name], RatioAtMost(1))


def processor_time(stack: Stack) -> float:
    """Return the seconds of processor time that the processes of a stack have taken."""
    main = psutil.Process(stack.process.pid)
    times = [each.cpu_times() for each in (main, *main.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def worker_memory(pid: int) -> float:
    """Return the megabytes of a process. Each page counts by the share of the process (PSS)."""
    return float(psutil.Process(pid).memory_full_info().pss) / 1e6
