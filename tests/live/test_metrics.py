"""The metrics cover all workers, also those that died."""

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.fakes.upstream import GatedUpstream
from harness.problem import assert_problem
from harness.stack import Stack, StackType
from harness.waiting import wait_until

# Histograms, counters and gauges, times uWSGI's master and two workers.
MAX_METRICS_FILES = 3 * 3


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
        assert "worker_restarts_total 0.0" in stack.metrics()

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
        assert "worker_restarts_total 2.0" in stack.metrics()
        assert len(list((stack.run_dir / "metrics").iterdir())) <= MAX_METRICS_FILES


def test_requests_in_flight_are_counted_although_a_worker_was_killed(
    stack_type: StackType,
    project: Path,
    executor: ThreadPoolExecutor,
    gated_upstream: GatedUpstream,
) -> None:
    """Requests that were lost with a worker are not counted forever."""
    upstreams = {"APP_UPSTREAM_URLS": gated_upstream.url, "UWSGI_PROCESSES": "1"}
    with stack_type(project, **upstreams) as stack:
        calls = [executor.submit(stack.get, "/v1/pages") for _ in range(3)]
        wait_until(lambda: "http_server_active_requests 3.0" in stack.metrics())
        kill_and_wait_for_the_next(stack, stack.workers()[0])
        wait_until(lambda: "http_server_active_requests 0.0" in stack.metrics())
        assert {call.result().status for call in calls} == {502}


def kill_and_wait_for_the_next(stack: Stack, worker: int) -> None:
    """Kill a worker and wait until uWSGI has started another one."""
    before = len(stack.workers())
    stack.kill(signal.SIGKILL, [worker])
    wait_until(lambda: len(stack.workers()) > before)
