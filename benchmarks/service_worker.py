"""Runs in a rendered service of this version or of version one: measures it in process.

python service_worker.py prints {measurement: number} as JSON, each the median of its turns.
"""

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from time import perf_counter, process_time
from typing import Any

from flask import Flask, jsonify
from main.application import create_app
from prometheus_client import Histogram
from werkzeug.test import EnvironBuilder

try:
    from main.util.cache import cached
    from main.util.concurrency import thread_map
    from main.util.observability import timed
except ImportError:  # version one
    from main.util.cache import cached
    from main.util.concurrency import thread_map
    from main.util.timing import timed

VALUE = {"number": 112272535095293, "prime": True, "factors": [1, 112272535095293]}
TURNS = 51


def duration(call: Callable[[], Any], calls: int, clock: Callable[[], float]) -> float:
    """Return the seconds of one call."""
    started = clock()
    for _ in range(calls):
        call()
    return (clock() - started) / calls


def alternate(
    calls: int, clock: Callable[[], float] = perf_counter, **subjects: Callable[[], Any]
) -> dict[str, float]:
    """Measure the subjects alternately; return the median of each in microseconds."""
    series: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(TURNS):
        for name, subject in subjects.items():
            series[name].append(duration(subject, calls, clock) * 1e6)
    return {name: median(values) for name, values in series.items()}


def identity(number: int) -> int:
    """Return the number."""
    return number


def stored_value(number: int) -> Any:
    """Return the value that is cached."""
    return VALUE


def request(app: Any, path: str) -> Callable[[], bytes]:
    """Return a function that sends a GET request to a WSGI application."""
    environ = EnvironBuilder(path=path).get_environ()

    def send() -> bytes:
        response = app(environ.copy(), lambda status, headers, error=None: None)
        return b"".join(response)

    return send


def measure() -> dict[str, float]:
    """Return all measurements in microseconds."""
    app = create_app()
    bare = Flask("bare")
    bare.add_url_rule("/v1/hello", view_func=lambda: jsonify(message="Hello, World!"))
    hello = alternate(
        200, process_time, hello=request(app, "/v1/hello"), bare=request(bare, "/v1/hello")
    )

    with app.app_context():
        value = cached(ttl=3600)(stored_value)
        value(1)
        hit = alternate(1000, hit=lambda: value(1))

        ours = timed(identity)
        theirs = Histogram("theirs", "Of prometheus-client.").time()(identity)
        calls = alternate(1000, timed=lambda: ours(1), histogram=lambda: theirs(1))

        with ThreadPoolExecutor(16) as executor:
            maps = alternate(
                1,
                thread_map=lambda: thread_map(identity, range(1000)),
                executor_map=lambda: list(executor.map(identity, range(1000))),
            )
    return hello | hit | calls | maps


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure()) + "\n")
