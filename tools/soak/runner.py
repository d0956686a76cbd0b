"""Run a service with load and chaos, and sample what it uses."""

import subprocess
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import psutil

from harness.cache_server import CacheServer, cache_settings
from harness.environment import install
from harness.fakes.upstream import FaultyUpstream
from harness.project import bake, patched_copy
from harness.stack import Stack
from tools.soak.chaos import Chaos
from tools.soak.load import LoadGenerator
from tools.soak.report import Report
from tools.soak.trend import fit

# Seconds after which uWSGI replaces a worker. The number of requests would depend on the machine.
RECYCLING = {"master = true\n": "master = true\nmin-worker-lifetime = 0\nmax-worker-lifetime = 5\n"}
MEGABYTE = 1024**2
# Seconds between two samples. Replacing a process takes about one.
SAMPLE_INTERVAL = 0.5


def prepare(folder: Path) -> Path:
    """Bake and install a service with a cache server; return its folder."""
    return install(bake(folder, cache_backend="redis"))


def soak(project: Path, seconds: float, *, recycling: bool) -> Report:
    """Run the service under load and chaos; report what happened.

    With `recycling` uWSGI replaces each worker after some seconds, and reloads from time to time.
    """
    reload_interval = min(max(seconds / 8, 8), 60) if recycling else None
    with (
        CacheServer("redis") as cache,
        FaultyUpstream() as upstream,
        tempfile.TemporaryDirectory() as name,
    ):
        folder = Path(name)
        if recycling:
            project = patched_copy(project, folder / "service", "deploy/uwsgi.ini", RECYCLING)
        urls = ",".join(f"{upstream.url}/{path}" for path in ("ok", "slow", "truncated"))
        settings = cache_settings("redis", [cache], folder)
        with Stack(project, APP_UPSTREAM_URLS=urls, **settings) as stack:
            # The event follows the errors of a start.
            stack.log.wait_for_line(event="stack.ready")
            started, startup_bytes = time.monotonic(), stack.log.path.stat().st_size
            with LoadGenerator(stack) as load, Chaos(stack, cache, reload_interval) as chaos:
                samples = _sample_until(stack, started + seconds)
            report = Report(
                seconds=time.monotonic() - started,
                responses=load.responses,
                errors=load.errors + chaos.errors + _stop(stack),
                slowest=load.slowest,
                events=chaos.events,
                trends=[],
            )
            measured = seconds - _warm_up(seconds)
            warm = samples[-round(len(samples) * measured / seconds) :]
            report.trends = [fit(series, measured) for series in zip(*warm, strict=True)]
            report.read_log(stack.log.path, startup_bytes)
    return report


def _warm_up(seconds: float) -> float:
    """Return how many of `seconds` are a warm-up; nginx's cache loader lives for 60 of them."""
    return min(max(seconds / 4, 10), seconds / 2, 90)


def _sample_until(stack: Stack, end: float) -> list[tuple[float, int, int]]:
    """Return samples at even intervals until the monotonic time `end`."""
    samples = []
    started, timer = time.monotonic(), threading.Event()
    while time.monotonic() < end:
        samples.append(_sample(stack))
        timer.wait(started + len(samples) * SAMPLE_INTERVAL - time.monotonic())
    return samples


def _sample(stack: Stack) -> tuple[float, int, int]:
    """Return the stack's memory in megabytes (PSS), open descriptors and processes."""
    found = []
    for process in stack.processes():
        try:
            found.append((process.memory_full_info().pss, process.num_fds()))
        except psutil.Error:
            continue  # It has just ended.
    memory, descriptors = map(sum, zip(*found, strict=True))
    return memory / MEGABYTE, descriptors, len(found)


def _stop(stack: Stack) -> Counter[str]:
    """Stop the stack; count an error unless it ends in time, with status 0 and all processes."""
    try:
        stopped = stack.stop() == 0 and not stack.pids()
    except subprocess.TimeoutExpired:
        stopped = False
    return Counter() if stopped else Counter({"the stack did not stop cleanly": 1})
