"""Entries: look up and save results in the store, behind its circuit breaker.

A failure of the store is an outcome here, not an exception.
"""

import logging
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any

from main.util.cache.circuit_breaker import CircuitBreaker, CircuitOpenError
from main.util.cache.codec import Entry
from main.util.cache.policy import Policy, Result
from main.util.cache.store import RefusedError, Release, Store, StoreError, no_lock

log = logging.getLogger(__name__)

# Seconds between two logs of refusals for a function.
REFUSED_LOG_INTERVAL = 60.0


class Entries:
    """The entries of all functions in one store."""

    def __init__(self, store: Store, ttl: float, clock: Callable[[], float]) -> None:
        self._store = store
        self._ttl = ttl
        self._clock = clock
        self._breaker = CircuitBreaker()
        self._get = partial(self._breaker.call, store.get) if store.reads_may_fail else store.get
        self._next_log: dict[str, float] = {}

    def lookup(self, policy: Policy, key: str) -> Result:
        """Return hit or stale with a value, or miss, error or bypass without one."""
        try:
            data = self._get(key)
        except StoreError as error:
            return self._failure(policy, error)
        return self._decode(policy, key, data)

    def lookup_many(self, policy: Policy, keys: Sequence[str]) -> dict[str, Result]:
        """Look up several keys at once."""
        try:
            found = self._breaker.call(self._store.get_many, keys)
        except StoreError as error:
            return dict.fromkeys(keys, self._failure(policy, error))
        return {key: self._decode(policy, key, found.get(key)) for key in keys}

    def encode(self, policy: Policy, key: str, value: Any) -> Result:
        """Return a computed value as others will get it; raise `TypeError` if JSON cannot."""
        entry = Entry(self._clock() + self._ttl_of(policy), value)
        data, copy = policy.codec.dumps(key, entry)
        return Result("miss", copy, data)

    def save(self, policy: Policy, key: str, data: bytes) -> None:
        """Store an encoded entry, if the store takes it."""
        expiry = self._ttl_of(policy) + policy.stale_for
        try:
            self._breaker.call(self._store.set, key, data, expiry)
        except StoreError as error:
            self._failure(policy, error)

    def lock(self, key: str, seconds: float) -> Release | None:
        """Lock a key between processes; return None if another process holds the lock.

        If the store cannot lock it, nobody waits.
        """
        try:
            release = self._breaker.call(self._store.lock, key, seconds)
        except StoreError:
            return no_lock
        return release and partial(self._release, release)

    def delete(self, key: str) -> None:
        """Invalidate a key."""
        self._invalidate(self._store.delete, key)

    def clear(self, prefix: str) -> None:
        """Invalidate the keys that begin with the prefix, however long that takes."""
        self._invalidate(self._store.clear, prefix)

    def _ttl_of(self, policy: Policy) -> float:
        return self._ttl if policy.ttl is None else policy.ttl

    def _decode(self, policy: Policy, key: str, data: bytes | None) -> Result:
        if data is None:
            return Result("miss")
        entry = policy.codec.loads(key, data)
        if entry is None:
            log.warning("cache.corrupt_entry", extra={"callable": policy.name, "bytes": len(data)})
            return Result("error")
        age = self._clock() - entry.fresh_until
        if age >= policy.stale_for:
            return Result("miss")
        return Result("hit" if age < 0 else "stale", entry.value, data)

    def _failure(self, policy: Policy, error: StoreError) -> Result:
        if isinstance(error, CircuitOpenError):
            return Result("bypass")
        now = monotonic()
        # Other errors have been logged by the circuit breaker.
        if isinstance(error, RefusedError) and now >= self._next_log.get(policy.name, 0.0):
            self._next_log[policy.name] = now + REFUSED_LOG_INTERVAL
            log.warning("cache.refused", extra={"callable": policy.name, "reason": str(error)})
        return Result("error")

    def _release(self, release: Release) -> None:
        with suppress(StoreError):  # the lock has a timeout
            self._breaker.call(release)

    def _invalidate(self, operation: Callable[[str], None], key: str) -> None:
        try:
            self._breaker.call(operation, key, allowance=math.inf)
        except StoreError as error:
            # The entries are used until they are too old.
            log.warning("cache.invalidation_failed", extra={"reason": str(error)})
