"""The cache behaves like a dictionary with expiry, whatever the order of operations."""

import json
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from harness.cache_service import STALE_FOR, TTL, CacheService

NEVER = float("inf")
# Seconds for which each function's values are fresh, and then stale.
POLICIES = {
    "with_stale": (TTL, STALE_FOR),
    "without_stale": (TTL + 0.5, 0.0),
    "without_expiry": (NEVER, 0.0),
}
FUNCTIONS = st.sampled_from(list(POLICIES))
ARGUMENTS = st.sampled_from([1, "1", [1, {"ä b": None}]])
START = 1e9


class CacheMachine(RuleBasedStateMachine):
    """Runs operations on a service and predicts each result from a dictionary and a clock."""

    service: CacheService

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.failing = False
        # Function and argument: when the value was stored, and the value.
        self.entries: dict[tuple[str, str], tuple[float, Any]] = {}

    @initialize()
    def reset(self) -> None:
        """Start with an empty cache."""
        self.service.set_clock(self.now)
        self.service.set_failing(False)
        self.service.perform("clear")

    @rule(argument=ARGUMENTS)
    def call(self, argument: Any) -> None:
        """Call each function."""
        for function in POLICIES:
            self.compare_with_the_model(function, argument)

    def compare_with_the_model(self, function: str, argument: Any) -> None:
        """Call a function; predict its result and whether it is executed."""
        key = function, json.dumps(argument)
        stored_at, stored = self.entries.get(key, (-NEVER, None))
        fresh_for, stale_for = POLICIES[function]
        age = self.now - stored_at
        before = len(self.service.executions())
        result = self.service.send("call", function, [argument], {})
        executions = len(self.service.executions()) - before
        if age < fresh_for:
            assert executions == 0
            assert result.get("value") == stored
            return
        assert executions == 1
        if not (self.failing and function == "with_stale"):
            assert result["value"][0] == argument
            assert result["value"] not in [value for _, value in self.entries.values()]
            self.entries[key] = self.now, result["value"]
        elif age < fresh_for + stale_for:
            assert result.get("value") == stored
        else:
            assert result.get("error") == "RuntimeError: failing"

    @rule(seconds=st.sampled_from([0.25, 1.0, 999.5, 1000.0, 2000.0]))
    def advance_the_clock(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self.service.set_clock(self.now)

    @rule(failing=st.booleans())
    def set_failing(self, failing: bool) -> None:
        """Let executions fail, or succeed again."""
        self.failing = failing
        self.service.set_failing(failing)

    @rule(function=FUNCTIONS, argument=ARGUMENTS)
    def invalidate_a_call(self, function: str, argument: Any) -> None:
        """Remove one entry."""
        self.service.perform("clear_call", function, [argument])
        self.entries.pop((function, json.dumps(argument)), None)

    @rule(function=st.sampled_from([*POLICIES, None]))
    def invalidate_many(self, function: str | None) -> None:
        """Remove the entries of one function, or all entries."""
        if function is None:
            self.service.perform("clear")
            self.entries.clear()
            return
        self.service.perform("clear_function", function)
        self.entries = {key: entry for key, entry in self.entries.items() if key[0] != function}

    @rule(function=FUNCTIONS, argument=ARGUMENTS, entry=st.binary(min_size=1, max_size=20))
    def corrupt(self, function: str, argument: Any, entry: bytes) -> None:
        """Overwrite an entry with other bytes."""
        key = self.service.perform("key", function, [argument])
        self.service.perform("write_entry", key, entry.hex())
        self.entries.pop((function, json.dumps(argument)), None)

    def teardown(self) -> None:
        """Restore the service; it must not have logged an error."""
        self.service.set_failing(False)
        self.service.set_clock(None)
        self.service.perform("clear")
        assert not self.service.lines(level="ERROR")


def test_the_cache_matches_the_model(single_worker: CacheService) -> None:
    """Any sequence of calls, invalidations, failures and corruptions gives predictable results."""

    class Machine(CacheMachine):
        service = single_worker

    machine = Machine.TestCase
    machine.settings = settings(
        max_examples=50,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    machine().runTest()
