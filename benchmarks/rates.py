"""Requests per second of the whole stack: nginx, uWSGI and the application."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil

from benchmarks.results import Goal, RatioAtLeast, RatioAtMost, Row
from benchmarks.version_one import VersionOneStack, bake_version_one
from benchmarks.wrk import rate_and_tail, require_wrk
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
# The goal for the requests per second beside each alternative.
GOALS: dict[str, Goal | None] = {
    "version one": RatioAtLeast(1.3),
    "bare Flask": RatioAtLeast(0.8),
    "UWSGI_THREADS=1": None,
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
    memory: dict[str, list[float]] = {}
    with ExitStack() as running:
        for stack in stacks.values():
            running.enter_context(stack)
        for turn in range(TURNS + 1):
            for name, stack in stacks.items():
                rate, tail = rate_and_tail(stack.url)
                if turn:  # The first turn warms up.
                    rates[name].append(rate)
                    tails[name].append(tail)
        for name, stack in stacks.items():
            memory[name] = [worker_memory(pid) for pid in stack.workers()]
    title = "GET /v1/hello"
    for name, goal in GOALS.items():
        yield Row(title, "requests/s", rates["ours"], name, rates[name], goal)
        yield Row(f"{title}, 99th percentile", "ms", tails["ours"], name, tails[name])
    title, name = "memory of a worker", "version one"
    yield Row(title, "MB", memory["ours"], name, memory[name], RatioAtMost(1))


def worker_memory(pid: int) -> float:
    """Return the megabytes of a process. Each page counts by the share of the process (PSS)."""
    return float(psutil.Process(pid).memory_full_info().pss) / 1e6
