"""A service that measures a cache hit among many keys; replaces main/wsgi.py of a service."""

import math
import random
import time
from collections.abc import Iterator
from typing import Any

from main.application import create_app
from main.util.cache import cached

# A process's first calls are slower, until the interpreter has specialised them.
WARM_UP, TURNS, CALLS = 20, 71, 200
KEYS_PER_REQUEST = 5_000
VALUE = {"number": 112272535095293, "prime": True, "factors": [1, 112272535095293]}
executions = 0


@cached(ttl=math.inf)
def ours(number: int) -> Any:
    """Return the cached value."""
    global executions
    executions += 1
    return VALUE


app = create_app()
filled = 0


@app.get("/fill/<int:count>")
def fill(count: int) -> Any:
    """Add up to KEYS_PER_REQUEST of `count` keys to the cache; return the number of its keys."""
    global filled
    for number in range(filled, min(count, filled + KEYS_PER_REQUEST)):
        ours(number)
        filled = number + 1
    return app.json.dumps(filled), {"Content-Type": "application/json"}


@app.get("/hits/<int:count>")
def hits(count: int) -> Any:
    """Return the microseconds of a hit in each turn; fail if a call was not a hit."""
    before = executions
    series = list(_measure(count))[WARM_UP:]
    assert executions == before
    return app.json.dumps(series), {"Content-Type": "application/json"}


def _measure(count: int) -> Iterator[float]:
    """Yield the microseconds of a call with a random key in each turn."""
    for _ in range(TURNS):
        numbers = random.choices(range(count), k=CALLS)  # noqa: S311
        started = time.perf_counter()
        for number in numbers:
            ours(number)
        yield (time.perf_counter() - started) / CALLS * 1e6
