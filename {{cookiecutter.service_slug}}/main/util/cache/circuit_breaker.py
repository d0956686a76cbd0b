"""Circuit breaker: do not call a store that has just failed, or that has become slow.

Closed: calls pass. Open: calls fail at once. Half-open: one call probes the store.
"""

import logging
from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar

from main.util.cache.store import RefusedError, StoreError

log = logging.getLogger(__name__)

R = TypeVar("R")

# Seconds from opening to the next probe.
RESET_TIMEOUT = 5.0
# Seconds that a call may take. Longer calls build up a delay and shorter ones reduce it, so that
# a single pause of this process does no harm. The breaker opens at a delay of MAX_DELAY seconds.
CALL_ALLOWANCE = 0.05
MAX_DELAY = 0.25


class CircuitOpenError(StoreError):
    """The store was not called, because it failed a moment ago."""


class CircuitBreaker:
    """Calls functions of a store while it works."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._open_until: float | None = None  # None while closed
        self._delay = 0.0

    def call(self, function: Callable[..., R], *args: Any, allowance: float = CALL_ALLOWANCE) -> R:
        """Return the function's result; raise `StoreError` if it fails or is not called."""
        started = self._clock()
        is_probe = self._open_until is not None
        if self._open_until is not None:
            if started < self._open_until:
                raise CircuitOpenError("the store failed a moment ago")
            self._open_until = started + RESET_TIMEOUT  # other callers do not probe, too
        try:
            result = function(*args)
        except RefusedError:
            self._succeed(is_probe, 0.0)
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            self._open(reason)
            raise StoreError(reason) from error
        delay = self._clock() - started - allowance
        if delay > 0 or self._delay or is_probe:
            self._succeed(is_probe, delay)
        return result

    def _succeed(self, is_probe: bool, delay: float) -> None:
        self._delay = max(0.0, self._delay + delay)
        if self._delay >= MAX_DELAY:
            self._open(f"slow: calls took {self._delay:.2f} seconds too long")
        elif is_probe:
            self._open_until = None
            log.info("cache.up")

    def _open(self, reason: str) -> None:
        if self._open_until is None:
            log.warning("cache.down", extra={"reason": reason, "seconds": RESET_TIMEOUT})
        self._open_until = self._clock() + RESET_TIMEOUT
        self._delay = 0.0
