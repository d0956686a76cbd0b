"""Concurrent callers in eight workers."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.cache_service import TTL, CacheService, ConcurrentCallers
from harness.project import CHOICES

# The memory store belongs to one worker, and so does its lock.
SHARED_STORES = [store for store in CHOICES["cache_backend"] if store != "memory"]
START = 1e9


@pytest.mark.parametrize("attempt", range(3))
def test_a_stampede_executes_the_function_once(many_workers: CacheService, attempt: int) -> None:
    """32 callers of a cold key get one result; on the memory store one for each worker."""
    before = len(many_workers.executions())
    callers = ConcurrentCallers(32)
    results = callers.send(many_workers, "call", "with_stale", [f"cold {attempt}", 0.1], {})
    workers = {result["pid"] for result in results}
    assert len(workers) > 1
    executions = len(many_workers.executions()) - before
    assert executions == (len(workers) if many_workers.store == "memory" else 1)
    assert len({json.dumps(result["value"]) for result in results}) == executions


def test_callers_of_other_keys_do_not_wait(
    many_workers: CacheService, executor: ThreadPoolExecutor
) -> None:
    """While one call blocks, calls of the same function with other arguments return."""
    many_workers.block("slow")
    slow = executor.submit(many_workers.call_cached, "blocking", "slow")
    many_workers.wait_until_blocked("slow")
    for number in range(40):
        assert many_workers.call_cached("blocking", f"quick {number}") == f"quick {number}"
    assert not slow.done()
    many_workers.unblock("slow")
    assert slow.result(10) == "slow"


def test_followers_do_not_wait_for_a_killed_leader(
    many_workers: CacheService, executor: ThreadPoolExecutor
) -> None:
    """After the lock timeout they execute the function; only the leader's request fails."""
    many_workers.block("killed")
    before = len(many_workers.executions())
    call = ["call", "blocking", ["killed"], {}]
    leader = executor.submit(many_workers.post, "/actions", call)
    many_workers.wait_until_blocked("killed")
    (execution,) = many_workers.executions()[before:]
    os.kill(execution.pid, signal.SIGKILL)
    followers = [executor.submit(many_workers.call_cached, "blocking", "killed") for _ in range(16)]
    # The leader would block for as long as this is true.
    assert many_workers.is_blocked("killed")
    assert {follower.result(20) for follower in followers} == {"killed"}
    assert leader.result(20).status == 502
    many_workers.unblock("killed")


@pytest.mark.parametrize("store", SHARED_STORES, indirect=True)
def test_a_stale_value_is_served_while_one_caller_renews_it(
    many_workers: CacheService, executor: ThreadPoolExecutor
) -> None:
    """The other callers get it at once, in every worker."""
    many_workers.set_clock(START)
    try:
        assert many_workers.call_cached("blocking", "renewed") == "renewed"
        many_workers.set_clock(START + TTL + 1)
        many_workers.block("renewed")
        before = many_workers.outcomes("blocking")["stale"]
        renewal = executor.submit(many_workers.call_cached, "blocking", "renewed")
        many_workers.wait_until_blocked("renewed")
        for _ in range(40):
            assert many_workers.call_cached("blocking", "renewed") == "renewed"
        assert not renewal.done()
        many_workers.unblock("renewed")
        assert renewal.result(10) == "renewed"
        assert many_workers.outcomes("blocking")["stale"] >= before + 40
    finally:
        many_workers.set_clock(None)


def test_concurrent_callers_get_their_own_values(
    many_workers: CacheService, executor: ThreadPoolExecutor
) -> None:
    """The workers share no connection to the store, although the master had one."""
    values = [f"{number % 50}" * 100 for number in range(400)]
    results = list(executor.map(lambda value: many_workers.call_cached("echo", value), values))
    assert results == values
    assert many_workers.outcomes("echo")["error"] == 0


def test_workers_share_values(many_workers: CacheService) -> None:
    """Where the store can be shared, every worker returns the same value."""
    results = [many_workers.send("call", "without_expiry", ["shared"], {}) for _ in range(100)]
    workers = {result["pid"] for result in results}
    values = {json.dumps(result["value"]) for result in results}
    assert len(values) == (len(workers) if many_workers.store == "memory" else 1)
