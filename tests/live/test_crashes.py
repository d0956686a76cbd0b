"""A killed worker is replaced; a killed master ends the whole stack."""

import signal
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.fakes.upstream import GatedUpstream
from harness.problem import assert_problem
from harness.stack import StackType
from harness.waiting import TIMEOUT, wait_until


def test_a_killed_worker_is_replaced(
    stack_type: StackType,
    project: Path,
    gated_upstream: GatedUpstream,
    executor: ThreadPoolExecutor,
) -> None:
    """Only the requests that it was handling fail, with 502."""
    settings = {"UWSGI_THREADS": "2", "APP_UPSTREAM_URLS": gated_upstream.url}
    with stack_type(project, **settings) as stack:
        calls = [executor.submit(stack.get, "/v1/pages") for _ in range(4)]
        wait_until(lambda: len(gated_upstream.requests) == 4)
        stack.kill(signal.SIGKILL, stack.workers()[:1])
        wait_until(lambda: sum(call.done() for call in calls) == 2)
        for call in filter(Future.done, calls):
            assert_problem(call.result(), 502)
        # All four threads exist again: two are still busy, two take the new requests.
        later = [executor.submit(stack.get, "/v1/pages") for _ in range(2)]
        wait_until(lambda: len(gated_upstream.requests) == 6)
        gated_upstream.gate.set()
        statuses = Counter(call.result().status for call in [*calls, *later])
        assert statuses == {502: 2, 200: 4}


def test_a_stop_does_not_wait_for_a_dead_application(stack_type: StackType, project: Path) -> None:
    """The application is killed while it waits for nginx in another container."""
    with stack_type(project, "app", ready="") as stack:
        wait_until(lambda: len(stack.workers()) == 2)
        victims = {stack.uwsgi(), *stack.workers()}
        # The entry point waits for nginx while this file exists.
        nginx_pid = stack.run_dir / "nginx.pid"
        nginx_pid.touch()
        stack.process.terminate()
        stack.kill(signal.SIGKILL, victims)
        wait_until(lambda: victims.isdisjoint(stack.pids()))
        nginx_pid.unlink()
        stack.process.wait(TIMEOUT)
        assert stack.pids() == []


@pytest.mark.parametrize("master", ["nginx", "uwsgi"])
def test_a_killed_master_ends_the_stack(stack_type: StackType, project: Path, master: str) -> None:
    """The other program is stopped, the exit status is 1, and one line gives the reason."""
    with stack_type(project) as stack:
        pid = stack.nginx() if master == "nginx" else stack.uwsgi()
        stack.kill(signal.SIGKILL, [pid])
        assert stack.process.wait(TIMEOUT) == 1
        assert stack.pids() == []
        (line,) = [line for line in stack.lines() if "ended unexpectedly" in str(line)]
        assert master in line["message"]
