"""Metrics: Prometheus histograms and counters, summed over all workers of a container.

Create metrics of your own with `histogram` and `counter`, so that their values are shared, too.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, Metric, generate_latest, values
from prometheus_client.metrics_core import CounterMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


@cache
def configure_values() -> None:
    """Choose where metrics keep their values; called before each metric, has an effect once.

    Under uWSGI, each worker has a file, found by the worker's number. A worker that replaces a
    dead one continues its file, so that the number of files is bounded and no count is lost.
    Pool processes are not scraped and keep their values in memory.
    """
    if multiprocessing.parent_process() is not None:
        values.ValueClass = values.MutexValue
    elif "uwsgi" in sys.modules:
        values.ValueClass = values.MultiProcessValue(sys.modules["uwsgi"].worker_id)


def histogram(name: str, help: str, labels: Sequence[str]) -> Callable[..., None]:
    """Create a histogram; return a function observe(*labels, seconds)."""
    configure_values()
    # Prometheus takes as long to find the child for some labels as to add to it.
    child = cache(Histogram(name, help, labels, buckets=BUCKETS).labels)
    return lambda *args: child(*args[:-1]).observe(args[-1])


def counter(name: str, help: str, labels: Sequence[str]) -> Callable[..., None]:
    """Create a counter, whose name gets the suffix "_total"; return a function count(*labels)."""
    configure_values()
    child = cache(Counter(name, help, labels).labels)
    return lambda *args: child(*args).inc()


_observe_request = histogram(
    "http_server_request_duration_seconds",
    "Time from a request's arrival in Flask to the start of its response.",
    ["method", "route", "status"],
)
observe_upstream_call = histogram(
    "http_client_request_duration_seconds",
    "Time that a call of an upstream took, with its retries.",
    ["upstream", "method", "status"],
)
observe_call = histogram(
    "call_duration_seconds", "Time that a call of a @timed function took.", ["callable", "outcome"]
)
count_cache_call = counter(
    "cache_calls",
    "Calls of a @cached function: hit, miss, stale, error (store failed), bypass (circuit open).",
    ["callable", "outcome"],
)

_active_requests = Gauge(
    "http_server_active_requests",
    "Requests that have a thread, sampled once a second.",
    multiprocess_mode="livesum",
)
_queued_tasks = Gauge(
    "pool_queued_tasks",
    "Tasks that wait for a thread or a process of a pool, sampled once a second.",
    ["pool"],
    multiprocess_mode="livesum",
)


def observe_request(method: str, route: str, status: str, duration: float) -> None:
    """Record a request that we served; callers cannot add label values."""
    _observe_request(method if method in METHODS else "_OTHER", route, status, duration)


def observe_load(active_requests: int, queued_tasks: Iterable[tuple[str, int]]) -> None:
    """Record how many requests this worker serves now, and how many tasks wait in each pool."""
    _active_requests.set(active_requests)
    for pool, count in queued_tasks:
        _queued_tasks.labels(pool).set(count)


class WorkerCollector(MultiProcessCollector):
    """Collects the values of all workers; the library fails on a file that is still empty."""

    def collect(self) -> Iterable[Metric]:
        """Merge the files that have values; add the restarts, which uWSGI counts."""
        files = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("*.db")
        written = [str(file) for file in files if file.stat().st_size]
        yield from self.merge(written)
        if uwsgi := sys.modules.get("uwsgi"):
            restarts = sum(worker["respawn_count"] for worker in uwsgi.workers())
            text = "Workers that uWSGI has replaced since it started or reloaded."
            yield CounterMetricFamily("worker_restarts", text, value=restarts)


def collect() -> bytes:
    """Return all metrics in Prometheus's text format, summed over all workers."""
    has_workers = "PROMETHEUS_MULTIPROC_DIR" in os.environ
    return generate_latest(WorkerCollector(None) if has_workers else REGISTRY)
