"""A service calls upstreams that misbehave."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.fakes.behaviours import MEGABYTE
from harness.fakes.upstream import FaultyUpstream, unreachable_url
from harness.http import Response
from harness.problem import assert_problem
from harness.project import Bake
from harness.stack import Stack
from harness.waiting import HOST, free_ports

# Seconds: the client's total timeout, and how much later a busy machine may respond.
TOTAL, GRACE = 1.0, 2.0
CLIENT = {"total": TOTAL, "read": 0.6, "connect": 0.3}
TOKEN = "correct-horse"  # noqa: S105
# The client reads up to its limit of an oversized body; the rest is in socket buffers.
MAX_BODY_BYTES_SENT = 64 * MEGABYTE


@pytest.fixture(scope="module")
def caller(pools_project: Path) -> Iterator[Stack]:
    """Run a service that calls the upstreams that the tests name."""
    with Stack(pools_project) as stack:
        yield stack


def call_upstream(stack: Stack, url: str, path: str = "", **arguments: Any) -> Response:
    """Let the service call an upstream; assert that it responds within the timeout."""
    started = time.monotonic()
    body = {"url": url, "path": path, "client": CLIENT, **arguments}
    response = stack.post("/upstream", body)
    assert time.monotonic() - started < TOTAL + GRACE
    return response


@pytest.mark.parametrize(
    ("behaviour", "status", "attempts"),
    [
        ("silent", 504, 1),
        ("trickle-headers", 504, 1),
        ("trickle-body", 504, 1),
        ("empty", 503, 3),
        ("not-http", 503, 3),
        ("reset", 503, 3),
        ("truncated", 503, 3),
        ("retry-after", 503, 1),
        ("forbidden", 502, 1),
        ("cross-origin-redirect", 502, 1),
        ("redirect-loop", 502, 6),
        ("oversized", 502, 1),
        ("oversized-chunked", 502, 1),
        ("gzip-bomb", 502, 1),
        ("invalid-json", 502, 1),
        ("invalid-utf8", 502, 1),
        ("invalid-gzip", 502, 1),
    ],
)
def test_a_faulty_upstream_becomes_a_problem(
    caller: Stack, faulty_upstream: FaultyUpstream, behaviour: str, status: int, attempts: int
) -> None:
    """The caller gets 502, 503 or 504 in time; only the log names the upstream."""
    with FaultyUpstream() as other_origin:
        faulty_upstream.cross_origin_url = f"{other_origin.url}/ok"
        response = call_upstream(caller, faulty_upstream.url, behaviour)
        assert_problem(response, status)
        assert not other_origin.requests
    assert faulty_upstream.requests == {behaviour: attempts}
    assert faulty_upstream.body_bytes_sent < MAX_BODY_BYTES_SENT
    request_id = response.headers["X-Request-ID"]
    line = caller.log.wait_for_line(request_id=request_id, event="upstream.failed")
    assert faulty_upstream.url in line["exc_info"]
    assert faulty_upstream.url not in response.body.decode()


def test_a_closed_port_becomes_a_503(caller: Stack) -> None:
    """The connection is refused."""
    (closed,) = free_ports(1)
    assert_problem(call_upstream(caller, f"http://{HOST}:{closed}"), 503)


def test_an_unreachable_upstream_becomes_a_503(caller: Stack) -> None:
    """The connection is neither accepted nor refused."""
    with unreachable_url() as url:
        assert_problem(call_upstream(caller, url), 503)


def test_only_idempotent_requests_are_retried(
    caller: Stack, faulty_upstream: FaultyUpstream
) -> None:
    """Two failures of a GET stay invisible; a POST is sent once."""
    response = call_upstream(caller, faulty_upstream.url, "recovers")
    assert response.json() == {"body": {}}
    assert faulty_upstream.requests["recovers"] == 3
    faulty_upstream.requests.clear()
    assert_problem(call_upstream(caller, faulty_upstream.url, "recovers", method="POST"), 503)
    assert faulty_upstream.requests["recovers"] == 1


@pytest.mark.parametrize(
    ("behaviour", "body"),
    [
        ("ok", {"ok": True}),
        ("no-content", None),
        ("redirect", {"ok": True}),
        ("oversized-redirect", {"ok": True}),
    ],
)
def test_json_empty_and_redirected_responses_are_accepted(
    caller: Stack, faulty_upstream: FaultyUpstream, behaviour: str, body: object
) -> None:
    """The client follows redirects on the same origin and skips their bodies."""
    response = call_upstream(caller, faulty_upstream.url, behaviour)
    assert response.json() == {"body": body}
    assert faulty_upstream.body_bytes_sent < MAX_BODY_BYTES_SENT


def test_requests_carry_the_request_id_and_credentials(
    caller: Stack, faulty_upstream: FaultyUpstream
) -> None:
    """The token is sent to the upstream and never logged."""
    response = call_upstream(caller, faulty_upstream.url, "ok", token=TOKEN)
    request_id = response.headers["X-Request-ID"]
    assert f"X-Request-ID: {request_id}\r\n".encode() in faulty_upstream.heads[-1]
    assert f"Authorization: Bearer {TOKEN}\r\n".encode() in faulty_upstream.heads[-1]
    assert TOKEN not in caller.log.text()


def test_the_sample_reports_failures_per_url(
    installed: Bake, faulty_upstream: FaultyUpstream
) -> None:
    """GET /v1/pages returns every page that it could fetch, and an error for each other URL."""
    faulty_upstream.cross_origin_url = "http://elsewhere.invalid/"
    failing = ("reset", "retry-after", "oversized", "cross-origin-redirect", "not-http")
    urls = [f"{faulty_upstream.url}/{path}" for path in ("ok", *failing)]
    with Stack(installed(), APP_UPSTREAM_URLS=",".join(urls)) as stack:
        pages = stack.get("/v1/pages").json()["pages"]
    assert [page["url"] for page in pages] == urls
    assert pages[0]["bytes"] == len(b'{"ok": true}')
    assert all("error" in page and "bytes" not in page for page in pages[1:]), pages
