"""Metrics: Prometheus histograms and counters, summed over all workers of a container.

Create metrics of your own with `histogram` and `counter`, so that their values are shared, too.
"""

import multiprocessing
import os
import sys
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, values
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


def histogram(name: str, help: str, labels: Sequence[str]) -> Histogram:
    """Create a histogram of durations in seconds."""
    configure_values()
    return Histogram(name, help, labels, buckets=BUCKETS)


def counter(name: str, help: str, labels: Sequence[str]) -> Counter:
    """Create a counter; Prometheus appends "_total" to its name."""
    configure_values()
    return Counter(name, help, labels)


REQUEST_DURATION = histogram(
    "http_server_request_duration_seconds",
    "Time from a request's arrival in Flask to the start of its response.",
    ["method", "route", "status"],
)
UPSTREAM_DURATION = histogram(
    "http_client_request_duration_seconds",
    "Time that a call of an upstream took, with its retries.",
    ["upstream", "method", "status"],
)
CALL_DURATION = histogram(
    "call_duration_seconds", "Time that a call of a @timed function took.", ["callable", "outcome"]
)
CACHE_CALLS = counter(
    "cache_calls",
    "Calls of a @cached function: hit, miss, stale, error (store failed), bypass (circuit open).",
    ["callable", "outcome"],
)


def observe_request(method: str, route: str, status: str, duration: float) -> None:
    """Record a request that we served; callers cannot add label values."""
    method = method if method in METHODS else "_OTHER"
    _child(REQUEST_DURATION, method, route, status).observe(duration)


def observe_upstream_call(upstream: str, method: str, status: str, duration: float) -> None:
    """Record a call of an upstream."""
    _child(UPSTREAM_DURATION, upstream, method, status).observe(duration)


def observe_call(name: str, outcome: str, duration: float) -> None:
    """Record a call of a timed function."""
    _child(CALL_DURATION, name, outcome).observe(duration)


def count_cache_call(name: str, outcome: str) -> None:
    """Count a call of a cached function."""
    _child(CACHE_CALLS, name, outcome).inc()


@lru_cache(maxsize=4096)
def _child(metric: Any, *labels: str) -> Any:
    """Return the metric for these labels; Prometheus takes as long to find it as to add to it."""
    return metric.labels(*labels)


class WorkerCollector(MultiProcessCollector):
    """Collects the values of all workers; the library fails on a file that is still empty."""

    def collect(self) -> Iterable[Metric]:
        """Merge the files that have values."""
        files = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("*.db")
        written = [str(file) for file in files if file.stat().st_size]
        metrics: Iterable[Metric] = self.merge(written, accumulate=True)
        return metrics


def collect() -> bytes:
    """Return all metrics in Prometheus's text format, summed over all workers."""
    registry = prometheus_client.REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        WorkerCollector(registry)
    return prometheus_client.generate_latest(registry)
