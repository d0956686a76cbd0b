"""What the maps and `@timed` cost, and how long a fan-out takes through the stack."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import Row
from tests.bakery import bake, install, run
from tests.peers import Peer
from tests.stack import Stack

SCRIPT = Path(__file__).with_name("work_script.py")
UPSTREAMS, CALLS = 10, 51


def measure(project: Path, name: str) -> dict[str, list[float]]:
    """Run a measurement of the script in the project; return its series."""
    counters = project / "counters"
    counters.mkdir(exist_ok=True)
    variables = {"PYTHONPATH": str(project), "PROMETHEUS_MULTIPROC_DIR": str(counters)}
    said = run(project, "python", str(SCRIPT), name, **variables)
    series: dict[str, list[float]] = json.loads(said.splitlines()[-1])
    return series


def work(folder: Path) -> Iterator[Row]:
    """Measure the helpers beside what they stand upon."""
    project = install(bake(folder))
    for name, what, unit, other, goal in (
        ("timed", "a @timed call", "µs", "Histogram.time()", "at most 1.0"),
        ("threads", "thread_map of 1,000 no-ops", "ms", "ThreadPoolExecutor.map", "at most 1.3"),
        ("processes", "process_map of 2 s of work", "s", "serial", "at most 0.59, a speed of 1.7"),
    ):
        series = measure(project, name)
        yield Row(what, unit, series["ours"], other, series["theirs"], goal)
    peaks = {name: measure(project, name)["peak"] for name in ("thousand", "million")}
    what, other = "peak memory of a million items", "a thousand items"
    yield Row(what, "MB", peaks["million"], other, peaks["thousand"], "at most 1.2")


def fan_out(folder: Path) -> Iterator[Row]:
    """Ask for pages of ten upstreams that take 100 ms each."""
    project = install(bake(folder))
    with Peer() as peer:
        urls = ",".join(f"{peer.url}/slow?{number}" for number in range(UPSTREAMS))
        with Stack(project, APP_UPSTREAM_URLS=urls) as stack:
            taken = []
            for call in range(CALLS + 5):
                started = time.perf_counter()
                answer = stack.get("/v1/pages")
                if call >= 5:  # the first ones warm up
                    taken.append((time.perf_counter() - started) * 1000)
                assert all(page["bytes"] for page in answer.json()["pages"])
    slowest = [100.0] * len(taken)
    yield Row(
        f"GET /v1/pages of {UPSTREAMS}", "ms", taken, "the slowest", slowest, "at most 130 ms"
    )
