"""Primes: found by trial division, which is slow on purpose: it is work for a CPU."""

from dataclasses import dataclass
from math import isqrt

from main.util.cache import cached
from main.util.concurrency import process_map, thread_map
from main.util.timing import timed

# The largest integer that JSON carries safely (RFC 8259, section 6). A prime of that size keeps a
# processor for seconds.
LARGEST = 2**53 - 1

# Seconds for a whole request.
TIMEOUT = 8.0


@dataclass(frozen=True)
class Question:
    """The numbers in question, in any order, also twice."""

    numbers: list[int]


@dataclass(frozen=True)
class Number:
    """A number, whether it is prime, and else its smallest factor above 1 (none for 0 and 1)."""

    number: int
    prime: bool
    factor: int | None


@timed
def examine(question: Question) -> list[Number]:
    """Examine all the numbers at once, as far as there are processors.

    Raises `TimeoutError` after `TIMEOUT` seconds.
    """
    factors = thread_map(smallest_factor, question.numbers, timeout=TIMEOUT)
    return [
        Number(number, number == factor, None if factor in (None, number) else factor)
        for number, factor in zip(question.numbers, factors, strict=True)
    ]


@cached(ttl=3600)
def smallest_factor(number: int) -> int | None:
    """Return the smallest factor above 1, kept or found by another process."""
    return process_map(divide, [number])[0]


def divide(number: int) -> int | None:
    """Return the smallest factor above 1; a prime's is itself, 0 and 1 have none."""
    if number < 2:
        return None
    if number % 2 == 0:
        return 2
    return next((odd for odd in range(3, isqrt(number) + 1, 2) if number % odd == 0), number)
