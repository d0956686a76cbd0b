"""Stands in for a service's main/wsgi.py: what a hit costs among so many keys."""

import random
import time
from collections.abc import Iterator
from typing import Any

from main import create_app
from main.util.cache import cached

# The first calls of a process are slower: the interpreter has not specialised them yet.
WARM, TURNS, CALLS = 20, 71, 200
VALUE = {"number": 112272535095293, "prime": True, "factors": [1, 112272535095293]}
made = 0


@cached(ttl=None)
def ours(number: int) -> Any:
    """Return what is measured."""
    global made
    made += 1
    return VALUE


app = create_app()
filled = 0


@app.get("/fill/<int:count>")
def fill(count: int) -> Any:
    """Put up to 5,000 more of that many keys into the cache; return how many there are."""
    global filled
    for number in range(filled, min(count, filled + 5_000)):
        ours(number)
        filled = number + 1
    return app.json.dumps(filled), {"Content-Type": "application/json"}


@app.get("/hits/<int:count>")
def hits(count: int) -> Any:
    """Return the microseconds of a hit, several times; all of them are hits."""
    before = made
    series = list(measured(count))[WARM:]
    assert made == before
    return app.json.dumps(series), {"Content-Type": "application/json"}


def measured(count: int) -> Iterator[float]:
    """Yield what a call costs, with any of the keys."""
    for _ in range(TURNS):
        numbers = random.choices(range(count), k=CALLS)  # noqa: S311
        started = time.perf_counter()
        for number in numbers:
            ours(number)
        yield (time.perf_counter() - started) / CALLS * 1e6
