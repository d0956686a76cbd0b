"""Cache: find results in the store, or compute them once.

lookup → single flight in this process → lock between processes → compute → save

Stale results are used as RFC 5861 describes: while one caller renews them (stale-while-revalidate),
and instead of an exception (stale-if-error).
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from main.util.cache.circuit_breaker import CircuitBreaker
from main.util.cache.policy import Policy, Result
from main.util.cache.single_flight import Call, SingleFlight
from main.util.cache.store import Release, Store, no_lock
from main.util.context import deadline

log = logging.getLogger(__name__)

# Seconds between attempts to lock a key.
LOCK_POLL_INTERVAL = 0.01

# Returns the values of keys, in their order.
Compute = Callable[[list[str]], Sequence[Any]]

# Called with the name of a cached function and the outcome; create_app() replaces them.
outcome_observers: list[Callable[[str, str], Any]] = []


class Cache:
    """The results of all cached functions of an application."""

    def __init__(self, store: Store, *, ttl: float, clock: Callable[[], float] = time.time) -> None:
        self.store = store
        self._ttl = ttl
        self._clock = clock
        self._breaker = CircuitBreaker()
        self._calls = SingleFlight()

    def get_or_compute(
        self,
        policy: Policy,
        key: str,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> Any:
        """Return the result of a call of the function."""
        get = self.store.get
        outcome, entry = (
            self._breaker.call(get, key) if self.store.reads_may_fail else ("ok", get(key))
        )
        if outcome == "ok":
            result = policy.decode(key, entry, self._clock(), self._ttl)
        else:
            result = Result(outcome)
        if result.outcome != "hit":
            result = self._renew(policy, {key: result}, lambda _: [function(*args, **kwargs)])[key]
        for observe in outcome_observers:
            observe(policy.name, result.outcome)
        return result.value

    def get_or_compute_many(self, policy: Policy, keys: list[str], compute: Compute) -> list[Any]:
        """Return the values of several keys, after one lookup and at most one computation."""
        results = self._lookup(policy, keys)
        due = {key: found for key, found in results.items() if found.outcome != "hit"}
        results |= self._renew(policy, due, compute)
        for result in results.values():
            for observe in outcome_observers:
                observe(policy.name, result.outcome)
        return [results[key].value for key in keys]

    def invalidate(self, key: str) -> None:
        """Invalidate a key, or all with a prefix, which ends with a colon.

        Results that are still being computed are discarded.
        """
        self._calls.invalidate(key)
        delete = self.store.clear if key.endswith(":") else self.store.delete
        outcome, _ = self._breaker.call(delete, key)
        if outcome != "ok":
            log.warning("cache.invalidation_failed", extra={"outcome": outcome})

    def _lookup(self, policy: Policy, keys: list[str]) -> dict[str, Result]:
        outcome, entries = self._breaker.call(self.store.get_many, keys)
        if outcome != "ok":
            return dict.fromkeys(keys, Result(outcome))
        now = self._clock()
        return {key: policy.decode(key, entries.get(key), now, self._ttl) for key in keys}

    def _renew(
        self, policy: Policy, lookups: dict[str, Result], compute: Compute
    ) -> dict[str, Result]:
        """Return a result for each key whose result is not fresh."""
        stale = {key: found.entry for key, found in lookups.items()}
        entries = self._calls.do(stale, partial(self._compute, policy, compute))
        results = {}
        for key, found in lookups.items():
            is_renewed = found.outcome == "stale" and entries[key] != found.entry
            outcome = "miss" if is_renewed else found.outcome
            results[key] = Result(outcome, policy.value(entries[key]))
        return results

    def _compute(
        self, policy: Policy, compute: Compute, calls: dict[str, Call]
    ) -> dict[str, bytes]:
        """Return an entry for each key, after computing and saving those that are due."""
        release, lookups = self._lock(policy, list(calls))
        # Without the lock, another process is renewing a stale result.
        usable = ("hit", "stale") if release is None else ("hit",)
        due = [key for key in calls if lookups[key].outcome not in usable]
        entries = {key: found.entry for key, found in lookups.items()}
        try:
            # A list, so that a wrong number of results is an error before one is stored.
            for key, value in list(zip(due, compute(due) if due else [], strict=True)):
                entries[key] = policy.encode(key, value, self._clock())
                if self._calls.is_current(key, calls[key]):
                    expiry = (self._ttl if policy.ttl is None else policy.ttl) + policy.stale_for
                    self._breaker.call(self.store.set, key, entries[key], expiry)
        except Exception:
            if not all(entries.values()):  # some key has no stale entry
                raise
            log.warning("cache.stale", exc_info=True, extra={"callable": policy.name})
        finally:
            if release is not None:
                self._breaker.call(release)
        return entries

    def _lock(self, policy: Policy, keys: list[str]) -> tuple[Release | None, dict[str, Result]]:
        """Lock a single key between processes, or wait until another process has computed it.

        The wait has a limit, because that process may have died. Several keys are not locked.
        """
        key, *others = keys
        if others:
            return no_lock, self._lookup(policy, keys)
        until = time.monotonic() + min(policy.lock_timeout, deadline.remaining())
        while True:
            outcome, release = self._breaker.call(self.store.lock, key, policy.lock_timeout)
            lookups = self._lookup(policy, keys)
            if outcome != "ok":
                return no_lock, lookups
            if release is not None or lookups[key].entry or time.monotonic() >= until:
                return release, lookups
            time.sleep(LOCK_POLL_INTERVAL)
