"""Runs in a rendered service: measures what its maps and `@timed` cost, in turns.

python work_script.py NAME prints {what: [number, …]} as JSON.
"""

import json
import resource
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from time import perf_counter
from typing import Any

from main.service.primes import divide
from main.util import pools
from main.util.concurrency import process_map, thread_map, thread_map_unordered
from main.util.metrics import BUCKETS
from main.util.timing import timed as ours
from prometheus_client import Histogram

Series = dict[str, list[float]]

# From the documentation of concurrent.futures.
PRIMES = [
    112272535095293,
    112582705942171,
    112272535095293,
    115280095190773,
    115797848077099,
    1099726899285419,
]
WORK = 2.0  # seconds


def in_turns(turns: int, **subjects: Callable[[], Any]) -> Series:
    """Return the seconds that each subject takes, turn by turn; the first one warms up."""
    series: Series = {name: [] for name in subjects}
    for turn in range(turns + 1):
        for name, subject in subjects.items():
            started = perf_counter()
            subject()
            if turn:
                series[name].append(perf_counter() - started)
    return series


def identity(number: int) -> int:
    """Return the number."""
    return number


def timed() -> Series:
    """Call a timed function, beside prometheus-client's own decorator."""
    histogram = Histogram("theirs", "The same buckets.", buckets=BUCKETS)
    subjects = {"ours": ours(identity), "theirs": histogram.time()(identity)}

    def repeated(function: Callable[[int], int]) -> Callable[[], None]:
        def repeat() -> None:
            for number in range(2000):
                function(number)

        return repeat

    series = in_turns(101, **{name: repeated(each) for name, each in subjects.items()})
    return {name: [value / 2000 * 1e6 for value in values] for name, values in series.items()}


def threads() -> Series:
    """Map 1,000 items that cost nothing, beside an executor's own map."""
    items = range(1000)
    with ThreadPoolExecutor(pools.current().threads) as executor:
        series = in_turns(
            51,
            ours=lambda: thread_map(identity, items),
            theirs=lambda: list(executor.map(identity, items)),
        )
    return {name: [value * 1e3 for value in values] for name, values in series.items()}


def processes() -> Series:
    """Examine primes for two seconds, beside one after the other."""
    numbers: list[int] = []
    started = perf_counter()
    for number in cycle(PRIMES[:-1]):  # the last one is none, and told at once
        # An even number of them, which two processors can share.
        if perf_counter() - started >= WORK and len(numbers) % 2 == 0:
            break
        divide(number)
        numbers.append(number)
    return in_turns(
        5,
        ours=lambda: process_map(divide, numbers),
        theirs=lambda: [divide(number) for number in numbers],
    )


def memory(count: int) -> Series:
    """Work off a generator of so many items; return the peak memory in megabytes."""

    def numbers() -> Iterator[int]:
        yield from range(count)

    done = sum(1 for _ in thread_map_unordered(identity, numbers()))
    assert done == count
    return {"peak": [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]}


MEASURES: dict[str, Callable[[], Series]] = {
    "timed": timed,
    "threads": threads,
    "processes": processes,
    "thousand": lambda: memory(1_000),
    "million": lambda: memory(1_000_000),
}

if __name__ == "__main__":
    (name,) = islice(sys.argv, 1, None)
    print(json.dumps(MEASURES[name]()))
