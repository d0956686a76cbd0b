"""Metrics: Prometheus counts and durations, summed over all workers of a container."""

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import prometheus_client
from flask import Flask, Response, abort, request
from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, values
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def choose_values() -> None:
    """Choose where metrics keep their values; to be called before the first is made.

    Under uWSGI that is a file a worker, not one a process: a worker that died and came back
    goes on in the same file, so that their number is bounded and no count is lost. The
    processes of a pool are not scraped: they keep theirs to themselves.
    """
    if multiprocessing.parent_process() is not None:
        values.ValueClass = values.MutexValue
    elif "uwsgi" in sys.modules:
        values.ValueClass = values.MultiProcessValue(sys.modules["uwsgi"].worker_id)


choose_values()

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUESTS = Histogram(
    "http_request_duration_seconds",
    "Time from the request's arrival in Flask to its answer.",
    ["method", "route", "status"],
    buckets=BUCKETS,
)
CALLS = Histogram(
    "call_duration_seconds",
    "Time that a call of a @timed function took.",
    ["callable", "outcome"],
    buckets=BUCKETS,
)
CACHE = Counter(
    "cache_calls",
    "Calls of a @cached function: hit, miss, stale, error (of the store), bypass (no store).",
    ["callable", "outcome"],
)


@lru_cache(maxsize=4096)
def observer(method: str, route: str, status: str) -> Callable[[float], None]:
    """Return what records a duration (seconds) under these labels, looked up once."""
    return REQUESTS.labels(method, route, status).observe


def init_app(app: Flask) -> None:
    """Time every request, and serve the numbers to the operations port."""
    inner = app.wsgi_app

    def timed(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        started = perf_counter()

        def start(status: str, *rest: Any) -> Any:
            # Labels never hold what a caller made up, or their number would have no bound.
            method = environ["REQUEST_METHOD"]
            rule = environ["werkzeug.request"].url_rule
            observer(
                method if method in METHODS else "other",
                rule.rule if rule else "unmatched",
                status[:3],
            )(perf_counter() - started)
            return start_response(status, *rest)

        return inner(environ, start)

    app.wsgi_app = timed  # type: ignore[method-assign]
    app.add_url_rule("/metrics", view_func=metrics)


class WorkerCollector(MultiProcessCollector):
    """Collects the values of all workers; the library fails on a file that is still empty."""

    def collect(self) -> Iterable[Metric]:
        """Merge the files that have values."""
        files = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("*.db")
        written = [str(file) for file in files if file.stat().st_size]
        metrics: Iterable[Metric] = self.merge(written, accumulate=True)
        return metrics


def metrics() -> Response:
    """Answer a scrape that came through nginx's operations port; others find nothing."""
    # A parameter of the uwsgi protocol: no client can set it, headers arrive as HTTP_….
    if "OPS_LISTENER" not in request.environ:
        abort(404)
    registry = prometheus_client.REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        WorkerCollector(registry)
    body = prometheus_client.generate_latest(registry)
    return Response(body, content_type=prometheus_client.CONTENT_TYPE_LATEST)
