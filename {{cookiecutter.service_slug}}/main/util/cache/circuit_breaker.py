"""Circuit breaker: do not call a store that has just failed, or that has become slow.

Closed: calls pass. Open: calls fail at once. Half-open: one call probes the store.
"""

import logging
from collections.abc import Callable
from time import monotonic
from typing import Any

from main.util.cache.store import RefusedError

log = logging.getLogger(__name__)

# Seconds from opening to the next probe.
RESET_TIMEOUT = 5.0
# Seconds above which a call is slow. A few may be slow because this process had to wait for a CPU.
SLOW_CALL = 0.1
MAX_SLOW_CALLS = 10
# Seconds between two logs of refusals: a store that is full refuses every entry.
REFUSAL_LOG_INTERVAL = 60.0


class CircuitBreaker:
    """Calls functions of a store while it works."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._open_until = 0.0  # 0 while closed
        self._slow_calls = 0  # in a row
        self._next_refusal_log = 0.0

    def call(self, function: Callable[..., Any], *args: Any) -> tuple[str, Any]:
        """Return "ok" and the function's result, or "error" or "bypass" and None."""
        started = self._clock()
        if started < self._open_until:
            return "bypass", None
        is_probe = self._open_until > 0
        if is_probe:
            self._open_until = started + RESET_TIMEOUT  # other callers do not probe, too
        try:
            result = function(*args)
        except RefusedError as error:
            if started >= self._next_refusal_log:
                self._next_refusal_log = started + REFUSAL_LOG_INTERVAL
                log.warning("cache.refused", extra={"reason": str(error)})
            return "error", None
        except Exception as error:
            self._open(f"{type(error).__name__}: {error}")
            return "error", None
        if self._clock() - started > SLOW_CALL:
            self._slow_calls += 1
            if self._slow_calls >= MAX_SLOW_CALLS:
                self._open(f"slow: {self._slow_calls} calls in a row took over {SLOW_CALL} seconds")
        else:
            self._slow_calls = 0
            if is_probe:
                self._open_until = 0.0
                log.info("cache.up")
        return "ok", result

    def _open(self, reason: str) -> None:
        if not self._open_until:
            log.warning("cache.down", extra={"reason": reason, "seconds": RESET_TIMEOUT})
        self._open_until = self._clock() + RESET_TIMEOUT
