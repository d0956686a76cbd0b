"""The gain of processes, the memory of a map, and the duration of a fan-out through the stack."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.results import AtMost, RatioAtMost, Row
from harness.environment import install, run
from harness.fakes.upstream import FaultyUpstream
from harness.project import bake
from harness.stack import Stack

WORKER = Path(__file__).with_name("concurrency_worker.py")
UPSTREAMS, CALLS, WARM_UP = 10, 51, 5
# Milliseconds until the upstream's path "slow" answers.
SLOW = 100.0


def measure(project: Path, name: str) -> dict[str, list[float]]:
    """Run a measurement of the worker in the project; return its series."""
    metrics = project / "metrics"
    metrics.mkdir(exist_ok=True)
    output = run(
        project,
        *("python", str(WORKER), name),
        PYTHONPATH=str(project),
        PROMETHEUS_MULTIPROC_DIR=str(metrics),
    )
    series: dict[str, list[float]] = json.loads(output.splitlines()[-1])
    return series


def concurrency(folder: Path) -> Iterator[Row]:
    """Measure the gain of processes, and the memory of a long map."""
    project = install(bake(folder))
    series = measure(project, "processes")
    # A speed-up of 1.7 on two processors.
    goal = RatioAtMost(0.59)
    yield Row("process_map of 2 s of work", "s", series["ours"], "serial", series["theirs"], goal)
    peaks = {key: measure(project, key)["peak"] for key in ("thousand", "million")}
    yield Row(
        "peak memory of thread_map with a million items",
        "MB",
        peaks["million"],
        "a thousand items",
        peaks["thousand"],
        RatioAtMost(1.2),
    )


def fan_out(folder: Path) -> Iterator[Row]:
    """Request pages from several upstreams; compare with the duration of one upstream."""
    project = install(bake(folder))
    with FaultyUpstream() as upstream:
        urls = ",".join(f"{upstream.url}/slow?{number}" for number in range(UPSTREAMS))
        with Stack(project, APP_UPSTREAM_URLS=urls) as stack:
            durations = []
            for call in range(WARM_UP + CALLS):
                started = time.perf_counter()
                response = stack.get("/v1/pages")
                if call >= WARM_UP:
                    durations.append((time.perf_counter() - started) * 1000)
                assert all(page["bytes"] for page in response.json()["pages"])
    alternative = [SLOW] * len(durations)
    name = f"GET /v1/pages of {UPSTREAMS} upstreams"
    yield Row(name, "ms", durations, "one upstream", alternative, AtMost(130))
