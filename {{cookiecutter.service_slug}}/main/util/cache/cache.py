"""Cache: return a fresh result from the store, or else renew it.

Stale results are used as RFC 5861 describes: while one caller renews them (stale-while-revalidate),
and instead of an exception (stale-if-error).
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from main.util.cache.backend import CacheSettings, CacheStore
from main.util.cache.entries import Entries
from main.util.cache.keys import NAMESPACE
from main.util.cache.policy import Policy
from main.util.cache.renewal import Compute, Renewal
from main.util.cache.single_flight import SingleFlight
from main.util.cache.store import Store
from main.util.config import current_scope
from main.util.observability import Observers

# Called with the name of a cached function and the outcome of a call.
outcome_observers: Observers[[str, str]] = Observers()


class Cache:
    """The results of all cached functions of an application."""

    def __init__(self, store: Store, *, ttl: float, clock: Callable[[], float] = time.time) -> None:
        self.store = store
        self._entries = Entries(store, ttl, clock)
        self._calls = SingleFlight()

    def get_or_compute(
        self,
        policy: Policy,
        key: str,
        function: Callable[..., Any],
        args: Iterable[Any],
        kwargs: Mapping[str, Any],
    ) -> Any:
        """Return the result of a call of the function."""
        result = self._entries.lookup(policy, key)
        if result.outcome != "hit":
            renewal = self._renewal(policy, lambda _: [function(*args, **kwargs)])
            result = renewal.run({key: result})[key]
        for notify in outcome_observers.callbacks:
            notify(policy.name, result.outcome)
        return result.value

    def get_or_compute_many(
        self, policy: Policy, keys: Sequence[str], compute: Compute
    ) -> dict[str, Any]:
        """Return the results of several keys, after one lookup and at most one computation."""
        results = self._entries.lookup_many(policy, keys)
        due = {key: found for key, found in results.items() if found.outcome != "hit"}
        if due:
            results |= self._renewal(policy, compute).run(due)
        for result in results.values():
            for notify in outcome_observers.callbacks:
                notify(policy.name, result.outcome)
        return {key: result.value for key, result in results.items()}

    def delete(self, key: str) -> None:
        """Invalidate the result of a key, and the one that is being computed."""
        self._calls.invalidate(key)
        self._entries.delete(key)

    def clear(self, prefix: str = NAMESPACE) -> None:
        """Invalidate all results whose keys begin with the prefix."""
        self._calls.invalidate(prefix)
        self._entries.clear(prefix)

    def ping(self) -> None:
        """Raise an exception if the store does not work."""
        self.store.ping()

    def _renewal(self, policy: Policy, compute: Compute) -> Renewal:
        return Renewal(policy, compute, self._entries, self._calls)


def create_cache(settings: CacheSettings) -> Cache:
    """Return the cache that the settings describe."""
    return Cache(CacheStore(settings), ttl=settings.ttl)


def current_cache() -> Cache:
    """Return the cache of the application, or of a process without one."""
    return current_scope().get(create_cache, CacheSettings)


def clear() -> None:
    """Invalidate all results of this service."""
    current_cache().clear()


def ping() -> None:
    """Raise an exception if the store does not work."""
    current_cache().ping()
