"""Runs in a rendered service: measures its maps.

python concurrency_worker.py MEASUREMENT prints {subject: [number, …]} as JSON.
"""

import json
import resource
import sys
from collections.abc import Callable, Iterator
from itertools import cycle
from time import perf_counter
from typing import Any

from main.service.primes import smallest_factor
from main.util.concurrency import process_map, thread_map_unordered

Series = dict[str, list[float]]

# From the documentation of concurrent.futures, without its last number: that is not prime, and
# divided at once.
PRIMES = [112272535095293, 112582705942171, 112272535095293, 115280095190773, 115797848077099]
# Seconds that the numbers for process_map take serially.
WORK = 2.0


def alternate(turns: int, **subjects: Callable[[], Any]) -> Series:
    """Return the seconds that each subject takes in each turn, after one turn to warm up."""
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


def measure_processes() -> Series:
    """Divide primes for two seconds; compare with a serial loop. Seconds."""
    numbers: list[int] = []
    started = perf_counter()
    for number in cycle(PRIMES):
        # Two processors can share an even number of primes equally.
        if perf_counter() - started >= WORK and len(numbers) % 2 == 0:
            break
        smallest_factor(number)
        numbers.append(number)
    return alternate(
        5,
        ours=lambda: process_map(smallest_factor, numbers),
        theirs=lambda: [smallest_factor(number) for number in numbers],
    )


def measure_memory(count: int) -> Series:
    """Map a generator of `count` items; return the peak memory in megabytes."""

    def numbers() -> Iterator[int]:
        yield from range(count)

    done = sum(1 for _ in thread_map_unordered(identity, numbers()))
    assert done == count
    return {"peak": [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]}


MEASUREMENTS: dict[str, Callable[[], Series]] = {
    "processes": measure_processes,
    "thousand": lambda: measure_memory(1_000),
    "million": lambda: measure_memory(1_000_000),
}

if __name__ == "__main__":
    print(json.dumps(MEASUREMENTS[sys.argv[1]]()))
