"""Keep a service under load and in trouble, for 15 minutes unless told otherwise.

The cache server comes and goes, and processes of pools are killed. For two thirds of the time
workers are recycled and uWSGI is reloaded; for the last one workers live on, since what one
leaks would end with it. No request may fail; memory, descriptors and processes may not rise;
and each line of the log has to be a JSON object. The status tells whether that was so.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import psutil

from tests.bakery import bake, install
from tests.peers import Peer
from tests.servers import Server, settings
from tests.stack import Stack, altered
from tools import provide
from tools.soak.load import Crowd
from tools.soak.report import Report
from tools.soak.trend import fit
from tools.soak.trouble import Trouble

# A worker ends after so many requests, however short it lived: about every five seconds here.
RECYCLED = {"master = true\n": "master = true\nmax-requests = 200\nmin-worker-lifetime = 0\n"}
MEGABYTE = 1024**2
# Seconds between two samples: a process is away for about one when it is replaced.
INTERVAL = 0.5


def prepare(folder: Path) -> Path:
    """Bake a service that has a cache server, and install it."""
    return install(bake(folder, cache_backend="redis"))


def soak(project: Path, seconds: float, *, recycling: bool) -> Report:
    """Run the service for so long, and tell what was seen."""
    between_reloads = min(max(seconds / 8, 8), 60) if recycling else None
    with Server("redis") as cache, Peer() as peer, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if recycling:
            project = altered(project, folder / "service", "deploy/uwsgi.ini", RECYCLED)
        urls = ",".join(f"{peer.url}/{path}" for path in ("ok", "slow", "truncated"))
        variables = settings("redis", [cache], folder)
        with Stack(project, APP_UPSTREAM_URLS=urls, **variables) as stack:
            begun, ready = time.monotonic(), stack.output.stat().st_size
            with Crowd(stack) as crowd, Trouble(stack, cache, between_reloads) as trouble:
                samples = watch(stack, seconds)
            lasted = time.monotonic() - begun
            rest = seconds - warming(seconds)
            warm = samples[-round(len(samples) * rest / seconds) :]
            trends = [fit(series, rest) for series in zip(*warm, strict=True)]
            errors = crowd.errors + trouble.errors + stopped(stack)
            report = Report(lasted, crowd.answered, errors, crowd.slowest, trouble.count, trends)
            report.read(stack.output, ready)
    return report


def watch(stack: Stack, seconds: float) -> list[tuple[float, int, int]]:
    """Return evenly spaced samples."""
    samples = []
    begun, tick = time.monotonic(), threading.Event()
    while time.monotonic() - begun < seconds:
        samples.append(sample(stack))
        tick.wait(begun + len(samples) * INTERVAL - time.monotonic())
    return samples


def sample(stack: Stack) -> tuple[float, int, int]:
    """Return the stack's megabytes (PSS), open descriptors and processes."""
    found = []
    for process in stack.processes():
        try:
            found.append((process.memory_full_info().pss, process.num_fds()))
        except psutil.Error:
            continue  # it has just ended
    memory, descriptors = map(sum, zip(*found, strict=True))
    return memory / MEGABYTE, descriptors, len(found)


def warming(seconds: float) -> float:
    """Return how many of so many seconds are for warming up; nginx's cache loader lives for 60."""
    return min(max(seconds / 4, 10), seconds / 2, 90)


def stopped(stack: Stack) -> Counter[str]:
    """Stop the stack and return what was wrong with that."""
    try:
        good = stack.stop() == 0 and not stack.pids()
    except subprocess.TimeoutExpired:
        good = False
    return Counter() if good else Counter({"did not stop": 1})


def main() -> None:
    """Soak, print the tables, complain."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("minutes", type=float, nargs="?", default=15)
    seconds = parser.parse_args().minutes * 60
    missing = [name for name in ("nginx", "redis-server") if provide.find(name) is None]
    if missing:
        sys.exit(f"Not installed: {', '.join(missing)}; {provide.command(missing)}")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit("Stopped."))
    complaints: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        project = prepare(Path(folder))
        for recycling, share in ((True, 2 / 3), (False, 1 / 3)):
            what = "recycled" if recycling else "left alone"
            print(f"== {seconds * share:.0f} s with workers that are {what}", flush=True)
            report = soak(project, seconds * share, recycling=recycling)
            print(*report.rows(), sep="\n", flush=True)
            complaints += report.complaints()
    if complaints:
        sys.exit(f"Not as promised: {'; '.join(complaints)}.")
    print("All was as promised.")


if __name__ == "__main__":
    main()
