"""The stack loses no accepted request when it stops."""

from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

import pytest

from harness.fakes.upstream import GatedUpstream
from harness.load import CLIENTS, LoadClients
from harness.problem import assert_problem
from harness.stack import Stack, StackType
from harness.waiting import TIMEOUT, wait_until

REPETITIONS = [0, *(pytest.param(number, marks=pytest.mark.full) for number in range(1, 5))]


@pytest.mark.parametrize("repetition", REPETITIONS)
def test_term_under_load_loses_no_accepted_request(
    stack_type: StackType, project: Path, repetition: int
) -> None:
    """Clients that open a connection for each request get a response or no connection."""
    with stack_type(project, APP_HELLO_MAX_AGE="0") as stack:
        clients = LoadClients(stack)
        wait_until(lambda: clients.outcomes["200"] >= 200)
        assert stack.stop() == 0
        clients.join()
        assert set(clients.outcomes) <= {"200", "refused", "reset"}, clients.outcomes
        assert clients.outcomes["refused"] >= CLIENTS
        served = stack.lines(logger="nginx", uri="/v1/hello")
        assert {line["status"] for line in served} == {200}
        assert len(served) == clients.outcomes["200"]
        assert stack.pids() == []


def refuses_connections(stack: Stack) -> bool:
    """Return whether nobody listens on the public port."""
    try:
        stack.get("/livez")
    except ConnectionRefusedError:
        return True
    except (OSError, HTTPException):
        return False
    return False


def test_a_slow_request_is_answered_after_term(
    stack_type: StackType,
    project: Path,
    gated_upstream: GatedUpstream,
    executor: ThreadPoolExecutor,
) -> None:
    """The stack refuses new connections at once and finishes the request."""
    with stack_type(project, APP_UPSTREAM_URLS=gated_upstream.url) as stack:
        slow = executor.submit(stack.get, "/v1/pages")
        wait_until(lambda: gated_upstream.requests)
        stack.process.terminate()
        wait_until(lambda: refuses_connections(stack))
        assert not slow.done()
        gated_upstream.gate.set()
        assert slow.result().json()["pages"][0]["bytes"] == 5
        assert stack.process.wait(TIMEOUT) == 0
        assert stack.pids() == []


def test_clients_that_respect_readiness_lose_no_request(
    stack_type: StackType, project: Path
) -> None:
    """During DRAIN_DELAY /readyz is a 503 problem and everything else is served."""
    with stack_type(project, APP_HELLO_MAX_AGE="0", DRAIN_DELAY="1") as stack:
        clients = LoadClients(stack, respect_readiness=True)
        wait_until(lambda: clients.outcomes["200"] >= 200)
        stack.process.terminate()
        wait_until(lambda: stack.get("/readyz").status != 200)
        assert_problem(stack.get("/readyz"), 503)
        assert stack.get("/v1/hello").status == 200
        assert stack.get("/livez").status == 200
        clients.join()
        assert stack.process.wait(TIMEOUT) == 0
        assert set(clients.outcomes) == {"200"}, clients.outcomes


def test_the_application_outlives_nginx_in_separate_containers(
    stack_type: StackType, project: Path, tmp_path: Path
) -> None:
    """Both get TERM at the same time and share only RUN_DIR."""
    shared = {"RUN_DIR": str(tmp_path / "run"), "APP_HELLO_MAX_AGE": "0"}
    with (
        stack_type(project, "app", ready="", **shared) as app,
        stack_type(project, "nginx", **shared) as nginx,
    ):
        clients = LoadClients(nginx)
        wait_until(lambda: clients.outcomes["200"] >= 200)
        app.process.terminate()
        nginx.process.terminate()
        clients.join()
        assert set(clients.outcomes) <= {"200", "refused", "reset"}, clients.outcomes
        assert nginx.process.wait(TIMEOUT) == 0
        assert app.process.wait(TIMEOUT) == 0
        assert app.pids() == nginx.pids() == []
        assert {line["logger"] for line in nginx.lines()} == {"nginx", "stack"}
