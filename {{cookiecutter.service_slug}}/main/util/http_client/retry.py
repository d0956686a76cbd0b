"""Retry: repeat a call with exponential backoff and full jitter.

See RFC 9110, sections 9.2.2 (idempotent methods) and 10.2.3 (Retry-After), and "Exponential
Backoff And Jitter" in the AWS Architecture Blog.
"""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import urllib3

from main.util.context import deadline
from main.util.http_client.errors import UpstreamUnavailable

T = TypeVar("T")

IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})

# Seconds. The longest pause before the first retry; it doubles with each one.
BACKOFF = 0.1


def retry(call: Callable[[], T], retries: int) -> T:
    """Return the result of the call; repeat it while the upstream is unavailable.

    Raises the last error after this many retries, or when the deadline would pass in the pause.
    """
    attempt = 0
    while True:
        try:
            return call()
        except UpstreamUnavailable as error:
            pause = error.retry_after + random.uniform(0, BACKOFF * 2**attempt)
            if attempt == retries or pause >= deadline.remaining():
                raise
        time.sleep(pause)
        attempt += 1


def parse_retry_after(value: str) -> float:
    """Return the seconds of a Retry-After header; 0 if it is invalid."""
    with suppress(urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        return urllib3.Retry().parse_retry_after(value)
    return 0.0
