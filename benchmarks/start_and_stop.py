"""The start and the stop of the stack on this machine, beside version one's."""

import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.results import AtMost, Goal, Row
from benchmarks.version_one import VersionOneStack, bake_version_one
from harness.environment import install
from harness.load import LoadClients
from harness.project import bake
from harness.stack import Stack
from harness.waiting import wait_until

TURNS = 5
# Unit and goal of each measurement. 45 seconds are stop_grace_period in docker-compose.yml. Five
# lines may come before the event stack.ready.
MEASUREMENTS: dict[str, tuple[str, Goal]] = {
    "log lines until ready": ("lines", AtMost(6)),
    "TERM to exit, idle": ("s", AtMost(45)),
    "TERM to exit, under load": ("s", AtMost(45)),
}


def start_and_stop(folder: Path) -> Iterator[Row]:
    """Start and stop both versions alternately."""
    ours, theirs = install(bake(folder / "ours")), install(bake_version_one(folder))
    series: dict[str, list[dict[str, float]]] = {"ours": [], "version one": []}
    for _ in range(TURNS):
        series["ours"].append(measure(Stack(ours), Stack(ours)))
        series["version one"].append(measure(VersionOneStack(theirs), VersionOneStack(theirs)))
    for name, (unit, goal) in MEASUREMENTS.items():
        mine, other = ([turn[name] for turn in turns] for turns in series.values())
        yield Row(name, unit, mine, "version one", other, goal)


def measure(idle: Stack, loaded: Stack) -> dict[str, float]:
    """Return all measurements of two equal stacks."""
    with idle, loaded:
        lines = [line for line in idle.lines() if not line["event"].startswith("request.")]
        clients = LoadClients(loaded)
        wait_until(lambda: clients.outcomes["200"] >= 200)
        under_load = stop_time(loaded)
        clients.join()
        durations = stop_time(idle), under_load
    return dict(zip(MEASUREMENTS, (float(len(lines)), *durations), strict=True))


def stop_time(stack: Stack) -> float:
    """Stop a stack; return the seconds until its exit."""
    started = time.perf_counter()
    assert stack.stop() == 0
    return time.perf_counter() - started
