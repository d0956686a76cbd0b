"""Primes: classify numbers by trial division, which is slow on purpose: it is work for a CPU."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

from main.util.cache import cached_many
from main.util.concurrency import process_map
from main.util.observability import timed

# The largest integer that JSON carries safely (RFC 8259, section 6). A prime of that size keeps a
# processor busy for seconds.
MAX_NUMBER = 2**53 - 1
# Seconds for the numbers of a request.
TIMEOUT = 8.0


@dataclass(frozen=True)
class PrimesRequest:
    """Numbers to classify, in any order and with duplicates."""

    numbers: list[int]


@dataclass(frozen=True)
class ClassifiedNumber:
    """A number, whether it is prime, and its smallest factor if it is composite."""

    number: int
    prime: bool
    factor: int | None


@timed
def classify(request: PrimesRequest) -> list[ClassifiedNumber]:
    """Classify the numbers of a request, in their order.

    Raises `TimeoutError` after `TIMEOUT` seconds.
    """
    factors = smallest_factors(request.numbers)
    return [
        ClassifiedNumber(number, number == factor, None if number == factor else factor)
        for number, factor in zip(request.numbers, factors, strict=True)
    ]


@cached_many(ttl=3600)
def smallest_factors(numbers: Sequence[int]) -> list[int | None]:
    """Return the smallest factor of each number, computed in the process pool."""
    return process_map(smallest_factor, numbers, timeout=TIMEOUT)


def smallest_factor(number: int) -> int | None:
    """Return the smallest factor above 1: a prime itself for a prime, None for 0 and 1."""
    if number < 2:
        return None
    if number % 2 == 0:
        return 2
    return next((odd for odd in range(3, isqrt(number) + 1, 2) if number % odd == 0), number)
