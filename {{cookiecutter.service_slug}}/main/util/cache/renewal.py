"""Renewal: compute results that are not fresh, each by one caller at a time."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from main.util.cache.codec import Entry
from main.util.cache.entries import Entries
from main.util.cache.policy import Policy, Result
from main.util.cache.single_flight import Call, SingleFlight
from main.util.cache.store import Release, no_lock
from main.util.context import deadline

log = logging.getLogger(__name__)

# Seconds between attempts to lock a key: at first, and at most.
LOCK_POLL_INTERVALS = 0.001, 0.05


# Returns the values of keys, in their order.
Compute = Callable[[list[str]], Sequence[Any]]


@dataclass(frozen=True)
class Renewal:
    """Renews results of one function."""

    policy: Policy
    compute: Compute
    entries: Entries
    calls: SingleFlight

    def run(self, lookups: Mapping[str, Result]) -> dict[str, Result]:
        """Return a result with a value for each key that was looked up."""
        led, followed = self.calls.join(lookups)
        results = self._lead(led) if led else {}
        for key, call in followed.items():
            results[key] = self._follow(key, call, lookups[key])
        for key, found in lookups.items():
            if found.outcome in ("error", "bypass"):  # the store failed, whatever came after that
                results[key] = Result(found.outcome, results[key].value)
        return results

    def _follow(self, key: str, call: Call, lookup: Result) -> Result:
        if lookup.outcome == "stale":
            return lookup
        if call.is_recursive():
            return Result("miss", self.compute([key])[0])
        entry = cast(Entry, self.policy.codec.loads(key, call.wait()))
        return Result("hit", entry.value)

    def _lead(self, calls: Mapping[str, Call]) -> dict[str, Result]:
        with self.calls.leading(calls):
            release, results = self._lock(list(calls))
            try:
                # Without the lock, another process is renewing a stale result.
                usable = ("hit", "stale") if release is None else ("hit",)
                due = {key: each for key, each in results.items() if each.outcome not in usable}
                if due:
                    results |= self._compute(due, calls)
            finally:
                if release is not None:
                    release()
            for key, call in calls.items():
                call.set_result(results[key].data)
        return results

    def _lock(self, keys: list[str]) -> tuple[Release | None, dict[str, Result]]:
        """Lock a single key between processes, or wait until another process has computed it.

        The wait has a limit, because that process may have died. Several keys are not locked.
        """
        if len(keys) > 1:
            return no_lock, self.entries.lookup_many(self.policy, keys)
        (key,) = keys
        until = time.monotonic() + min(self.policy.lock_timeout, deadline.remaining())
        pause, longest_pause = LOCK_POLL_INTERVALS
        while True:
            release = self.entries.lock(key, self.policy.lock_timeout)
            found = self.entries.lookup(self.policy, key)
            time_left = until - time.monotonic()
            if release is not None or found.data or time_left <= 0:
                return release, {key: found}
            time.sleep(min(pause, time_left))
            pause = min(2 * pause, longest_pause)

    def _compute(self, due: Mapping[str, Result], calls: Mapping[str, Call]) -> dict[str, Result]:
        """Compute and store values; return nothing if that fails and all due results are stale."""
        try:
            values = self.compute(list(due))
        except Exception:
            if not all(each.data for each in due.values()):
                raise
            log.warning("cache.stale", exc_info=True, extra={"callable": self.policy.name})
            return {}
        results = {}
        for key, value in zip(due, values, strict=True):
            results[key] = self.entries.encode(self.policy, key, value)
            if self.calls.is_current(key, calls[key]):
                self.entries.save(self.policy, key, results[key].data)
        return results
