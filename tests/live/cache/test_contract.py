"""The contract of `@cached`, which holds on every store."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.cache_service import CacheService

# Falsy values, any Unicode, any length: as arguments, and as results.
VALUES: dict[str, Any] = {
    "none": None,
    "zero": 0,
    "false": False,
    "empty-string": "",
    "empty-list": [],
    "empty-object": {},
    "float": 1.5,
    "large-integer": 2**63,
    "unicode": "münchen 👍\u2028\n",
    "long-string": "x" * 5000,
    "nested": {"é b": [None]},
}
# Make a corrupt entry from a valid one, and from the entry of another call.
CORRUPTIONS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "truncated": lambda entry, other: entry[:-3],
    "flipped-bit": lambda entry, other: bytes([*entry[:5], entry[5] ^ 1, *entry[6:]]),
    "other-call": lambda entry, other: other,
    "zero-byte": lambda entry, other: b"\0",
    "extended": lambda entry, other: entry + b"]",
}
# Servers of these stores refuse larger entries.
MAX_ENTRY = {"memcached": 1_000_000, "uwsgi": 1_000_000}


def test_equal_calls_share_an_entry(single_worker: CacheService) -> None:
    """Arguments by position, by name and by default are the same call."""
    first = single_worker.call_cached("with_stale", "equal")
    assert single_worker.call_cached("with_stale", "equal", 0.0) == first
    assert single_worker.call_cached("with_stale", name="equal") == first
    assert single_worker.call_cached("with_stale", seconds=0.0, name="equal") == first
    assert single_worker.call_cached("with_stale", "different") != first


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_json_values_round_trip(single_worker: CacheService, value: Any) -> None:
    """One execution serves all calls, and each of them gets an equal value."""
    before = len(single_worker.executions())
    assert [single_worker.call_cached("echo", value) for _ in range(3)] == [value] * 3
    assert len(single_worker.executions()) == before + 1


def test_an_argument_that_is_not_json_raises_a_type_error(single_worker: CacheService) -> None:
    """The message names the function and the type."""
    error = single_worker.send("call_with_a_set")["error"]
    assert error.startswith("TypeError: main.wsgi.echo: no key: Encoding objects of type object")


def test_the_key_function_of_a_method_selects_its_entry(single_worker: CacheService) -> None:
    """Objects with equal keys share entries."""
    first = single_worker.perform("call_method", "corner", "tea")
    assert single_worker.perform("call_method", "corner", "tea") == first
    assert single_worker.perform("call_method", "other", "tea") != first


def test_invalidation_removes_a_call_a_function_or_everything(
    single_worker: CacheService,
) -> None:
    """Every other entry stays."""

    def call_all() -> list[Any]:
        calls = (("with_stale", 1), ("with_stale", 2), ("without_stale", 1))
        return [single_worker.call_cached(function, argument) for function, argument in calls]

    def kept(new: list[Any], old: list[Any]) -> list[bool]:
        return [value == previous for value, previous in zip(new, old, strict=True)]

    first = call_all()
    single_worker.perform("clear_call", "with_stale", [1])
    second = call_all()
    assert kept(second, first) == [False, True, True]
    single_worker.perform("clear_function", "with_stale")
    third = call_all()
    assert kept(third, second) == [False, False, True]
    single_worker.perform("clear")
    assert kept(call_all(), third) == [False, False, False]


@pytest.mark.parametrize("corrupt", CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_a_corrupt_entry_counts_as_a_miss(
    single_worker: CacheService, corrupt: Callable[[bytes, bytes], bytes]
) -> None:
    """The function runs again, the outcome is `error`, and the new value is stored."""

    def key(name: str) -> str:
        return str(single_worker.perform("key", "with_stale", [name]))

    def entry(name: str) -> bytes:
        return bytes.fromhex(single_worker.perform("read_entry", key(name)))

    first = single_worker.call_cached("with_stale", "corrupt")
    single_worker.call_cached("with_stale", "other")
    assert entry("corrupt")
    corrupted = corrupt(entry("corrupt"), entry("other"))
    before = single_worker.outcomes("with_stale")
    single_worker.perform("write_entry", key("corrupt"), corrupted.hex())
    second = single_worker.call_cached("with_stale", "corrupt")
    assert second != first
    assert single_worker.call_cached("with_stale", "corrupt") == second
    assert single_worker.outcomes("with_stale") - before == {"error": 1, "hit": 1}


@pytest.mark.parametrize("size", [60_000, 3_000_000])
def test_large_values_are_returned_unchanged(single_worker: CacheService, size: int) -> None:
    """Whether they are stored depends on the store's limit."""
    first, second = (single_worker.call_cached("large", size) for _ in range(2))
    assert len(first) == len(second) == size
    is_stored = size <= MAX_ENTRY.get(single_worker.store, size)
    assert (first == second) is is_stored


def test_readiness_includes_the_store(single_worker: CacheService) -> None:
    """A store that answers is ok."""
    assert single_worker.get("/readyz").json() == {"status": "ok", "checks": {"cache": "ok"}}


def test_typed_results_come_back_as_they_were(single_worker: CacheService) -> None:
    """The annotation decides: a dataclass with a Decimal and a date."""
    before = len(single_worker.executions())
    expected = ["Rate", "str", "Decimal", "date"]
    assert [single_worker.perform("call_typed", "EUR") for _ in range(2)] == [expected] * 2
    assert len(single_worker.executions()) == before + 1


def test_many_items_are_computed_at_once(single_worker: CacheService) -> None:
    """One execution computes the items that are not stored."""
    before = len(single_worker.executions())
    assert single_worker.perform("call_many", [1, 2, 3, 2]) == [1, 4, 9, 4]
    assert single_worker.perform("call_many", [3, 4]) == [9, 16]
    assert single_worker.perform("call_many", [4, 3, 2, 1]) == [16, 9, 4, 1]
    assert len(single_worker.executions()) == before + 2
