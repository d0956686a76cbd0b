"""A client sends slow requests, and hangs up or makes others wait behind them.

Other users must not wait for work that nobody wants any more. A request that has waited for more
than five seconds is refused, and /readyz waits for one free thread only.
"""

import contextlib
import json
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.fakes.upstream import GatedUpstream
from harness.http import JSON
from harness.problem import assert_problem
from harness.stack import Stack, StackType
from harness.waiting import HOST, TIMEOUT, wait_until

# QUEUE_TIMEOUT of the service, in seconds.
QUEUE_TIMEOUT = 5.0


@pytest.fixture(scope="module")
def small_stack(stack_type: StackType, pools_project: Path) -> Iterator[Stack]:
    """Run a service with two threads, for all tests of this file."""
    with stack_type(pools_project, UWSGI_PROCESSES="1", UWSGI_THREADS="2") as stack:
        yield stack


def slow_call(upstream: GatedUpstream, seconds: float = TIMEOUT) -> str:
    """Return the body of a request that occupies a thread until the upstream answers."""
    client = {"read": seconds, "total": seconds}
    return json.dumps({"url": upstream.url, "client": client, "options": {"into": None}})


def refused(stack: Stack) -> float:
    """Return how many requests the application has refused before any work."""
    pattern = r'^http_server_request_duration_seconds_count\{.*status="503".*\} (\S+)$'
    return sum(map(float, re.findall(pattern, stack.metrics(), re.MULTILINE)))


def test_abandoned_requests_are_not_begun(
    small_stack: Stack, gated_upstream: GatedUpstream
) -> None:
    """Ten callers hang up while two requests run: the other eight never run."""
    body = slow_call(gated_upstream)
    head = f"POST /upstream HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    request = f"{head}Content-Type: application/json\r\n\r\n{body}".encode()
    refused_before = refused(small_stack)
    with contextlib.ExitStack() as connections:
        for _ in range(10):
            connection = socket.create_connection((HOST, small_stack.port), TIMEOUT)
            connections.enter_context(connection).sendall(request)
        wait_until(lambda: len(gated_upstream.requests) == 2)
    # nginx has noticed that they hung up.
    wait_until(lambda: len(small_stack.lines(logger="nginx", status=499)) == 10)
    gated_upstream.gate.set()
    wait_until(lambda: refused(small_stack) == refused_before + 8)
    assert len(gated_upstream.requests) == 2


def test_a_request_that_waited_too_long_is_refused(
    small_stack: Stack, gated_upstream: GatedUpstream, executor: ThreadPoolExecutor
) -> None:
    """Its caller gets a 503 problem, and the upstream is not called."""
    started = time.monotonic()
    body = slow_call(gated_upstream)
    calls = [executor.submit(small_stack.call, "POST", "/upstream", body, JSON) for _ in range(3)]
    wait_until(lambda: time.monotonic() - started > QUEUE_TIMEOUT + 0.5)
    gated_upstream.gate.set()
    responses = sorted((call.result() for call in calls), key=lambda response: response.status)
    assert_problem(responses[-1], 503)
    assert responses[-1].headers["Retry-After"] == "1"
    assert len(gated_upstream.requests) == 2


def test_readyz_does_not_wait_for_the_backlog(
    small_stack: Stack, gated_upstream: GatedUpstream, executor: ThreadPoolExecutor
) -> None:
    """Twenty requests of one second wait for two threads."""
    body = slow_call(gated_upstream, seconds=1)
    calls = [executor.submit(small_stack.call, "POST", "/upstream", body, JSON) for _ in range(20)]
    wait_until(lambda: len(gated_upstream.requests) == 2)
    started = time.monotonic()
    assert small_stack.get("/readyz").status == 200
    assert time.monotonic() - started < 3
    assert not all(call.done() for call in calls)
