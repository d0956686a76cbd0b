"""A caller sends a trace, a malformed one, or none.

Users who follow a request through several services must find its trace in every log line, in calls
of upstreams and in pool processes. They must never find a malformed one.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.fakes.upstream import FaultyUpstream
from harness.http import JSON
from harness.project import patched_copy
from harness.raw_http import exchange
from harness.stack import Stack, StackType

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT_ID = "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE_ID}-{PARENT_ID}-01"
WELL_FORMED = (TRACEPARENT, f"cc-{TRACE_ID}-{PARENT_ID}-01-of-a-later-version")
MALFORMED = {
    "absent": "",
    "version ff": f"ff-{TRACE_ID}-{PARENT_ID}-01",
    "trailing": f"{TRACEPARENT}-more",
    "capitals": TRACEPARENT.upper(),
    "zero trace": f"00-{'0' * 32}-{PARENT_ID}-01",
    "zero parent": f"00-{TRACE_ID}-{'0' * 16}-01",
    "short": TRACEPARENT[:-1],
    "injection": f'{TRACEPARENT}","level":"forged',
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultyUpstream]:
    """Run an upstream for the whole module."""
    with FaultyUpstream() as running:
        yield running


@pytest.fixture(scope="module")
def traced(
    stack_type: StackType,
    project: Path,
    upstream: FaultyUpstream,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """Run a service that calls the upstream, and whose pool processes log."""
    changes = {"def smallest_factor(number": "@timed\ndef smallest_factor(number"}
    folder = tmp_path_factory.mktemp("traced") / "service"
    service = patched_copy(project, folder, "main/service/primes.py", changes)
    urls = f"{upstream.url}/ok"
    with stack_type(service, APP_LOG_LEVEL="DEBUG", APP_UPSTREAM_URLS=urls) as stack:
        yield stack


def trace_ids(stack: Stack, request_id: str) -> set[str]:
    """Return the trace ids in the lines of a request, of which nginx writes the last."""
    stack.log.wait_for_line(logger="nginx", request_id=request_id)
    lines = stack.lines(request_id=request_id)
    assert len(lines) > 1
    return {line["trace_id"] for line in lines}


@pytest.mark.parametrize("traceparent", WELL_FORMED, ids=["version 00", "later version"])
def test_a_trace_is_continued(traced: Stack, upstream: FaultyUpstream, traceparent: str) -> None:
    """Its id is in all lines, and each call of an upstream has a parent id of its own."""
    headers = {"traceparent": traceparent, "tracestate": "vendor=1"}
    request_id = traced.get("/v1/pages", headers).headers["X-Request-ID"]
    assert trace_ids(traced, request_id) == {TRACE_ID}
    head = upstream.heads[-1].decode()
    (parent_id,) = re.findall(rf"(?i)^traceparent: 00-{TRACE_ID}-(\w{{16}})-01\r$", head, re.M)
    assert parent_id != PARENT_ID
    assert re.search(r"(?i)^tracestate: vendor=1\r$", head, re.M)


@pytest.mark.parametrize("traceparent", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_trace_is_replaced(
    traced: Stack, upstream: FaultyUpstream, traceparent: str
) -> None:
    """Nginx and the application agree on a new one, and the state of the old one is dropped."""
    headers = {"tracestate": "vendor=1", **({"traceparent": traceparent} if traceparent else {})}
    request_id = traced.get("/v1/pages", headers).headers["X-Request-ID"]
    (trace_id,) = trace_ids(traced, request_id)
    assert re.fullmatch(r"[0-9a-f]{32}", trace_id)
    assert trace_id not in (TRACE_ID, "0" * 32)
    head = upstream.heads[-1].decode()
    assert f"00-{trace_id}-" in head
    assert "vendor=1" not in head


def test_of_several_traces_all_lines_have_the_same(traced: Stack) -> None:
    """A caller sends two headers, which nginx and uWSGI could read in different ways."""
    other = TRACEPARENT.replace(TRACE_ID, "1" * 32)
    headers = b"".join(b"traceparent: %s\r\n" % each.encode() for each in (TRACEPARENT, other))
    request = b"GET /v1/pages HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + b"\r\n"
    (request_id,) = exchange(traced, request).request_ids
    assert len(trace_ids(traced, request_id)) == 1


def test_pool_processes_log_the_trace(traced: Stack) -> None:
    """The task of a request runs in another process."""
    body = '{"numbers": [1099726899285419]}'
    response = traced.call("POST", "/v1/primes", body, {**JSON, "traceparent": TRACEPARENT})
    line = traced.log.wait_for_line(
        event="call.timed",
        callable="main.service.primes.smallest_factor",
        request_id=response.headers["X-Request-ID"],
    )
    assert line["trace_id"] == TRACE_ID
