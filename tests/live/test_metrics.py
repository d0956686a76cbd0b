"""The metrics cover all workers, also those that died."""

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.problem import assert_problem
from harness.stack import Stack, StackType
from harness.waiting import wait_until

# Metric types, times uWSGI's master and two workers.
MAX_METRICS_FILES = 3 * 2


@pytest.mark.parametrize(
    "path", ["/metrics", "//metrics", "/%6detrics", "/v1/../metrics", "/metrics?x=1", "/metrics/"]
)
def test_metrics_are_hidden_from_the_public_port(stack: Stack, path: str) -> None:
    """No spelling of the path reaches them, nor a header named like nginx's parameter."""
    assert_problem(stack.call("GET", path, headers={"OPS-LISTENER": "on"}), 404)


def test_the_operations_port_serves_metrics_only(stack: Stack) -> None:
    """The service's own endpoints are not reachable there."""
    assert stack.ops("/metrics").status == 200
    for path in ("/v1/hello", "/readyz", "/"):
        assert_problem(stack.ops(path), 404)


def test_request_counts_survive_killed_workers(
    stack_type: StackType, project: Path, executor: ThreadPoolExecutor
) -> None:
    """The sum over all workers equals the number of requests, before and after a kill."""
    with stack_type(project, APP_HELLO_MAX_AGE="0") as stack:
        sent = 0

        def send() -> None:
            nonlocal sent
            responses = list(executor.map(lambda _: stack.get("/v1/hello"), range(32)))
            assert {response.status for response in responses} == {200}
            sent += len(responses)

        def both_workers_served() -> bool:
            send()
            # A worker creates its file when it serves its first request.
            files = {path.name for path in (stack.run_dir / "metrics").iterdir()}
            return {"histogram_1.db", "histogram_2.db"} <= files

        wait_until(both_workers_served)
        assert stack.request_count("/v1/hello") == sent
        for worker in stack.workers():
            kill_and_wait_for_the_next(stack, worker)
            send()
            assert stack.request_count("/v1/hello") == sent
        assert len(list((stack.run_dir / "metrics").iterdir())) <= MAX_METRICS_FILES


def kill_and_wait_for_the_next(stack: Stack, worker: int) -> None:
    """Kill a worker and wait until uWSGI has started another one."""
    before = len(stack.workers())
    stack.kill(signal.SIGKILL, [worker])
    wait_until(lambda: len(stack.workers()) > before)
