"""The HTTP client below the real stack, against a server that misbehaves."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.fakes.upstream import FaultyUpstream, black_hole
from harness.http import Response
from harness.problem import assert_problem
from harness.project import Bake
from harness.stack import Stack
from harness.waiting import HOST, free_ports

pytestmark = pytest.mark.slow

# Seconds: the client's, and how much longer a loaded machine may take to tell.
TOTAL, GRACE = 1.0, 2.0
BEARER = "correct-horse"
SETTINGS = {"total": TOTAL, "read": 0.6, "connect": 0.3}


@pytest.fixture(scope="module")
def caller(worker: Path) -> Iterator[Stack]:
    """Run the service with the driver, which calls whom it is told to call."""
    with Stack(worker) as stack:
        yield stack


@pytest.fixture
def peer() -> Iterator[FaultyUpstream]:
    """Run the server that misbehaves."""
    with FaultyUpstream() as running:
        yield running


def call(stack: Stack, url: str, path: str = "", **given: Any) -> Response:
    """Have a service called; assert that the answer is there within the deadline."""
    started = time.monotonic()
    answer = stack.post("/upstream", {"url": url, "path": path, "client": SETTINGS, **given})
    assert time.monotonic() - started < TOTAL + GRACE
    return answer


@pytest.mark.parametrize(
    ("path", "status", "tries"),
    [
        ("silent", 504, 1),
        ("drip-headers", 504, 1),
        ("drip-body", 504, 1),
        ("empty", 503, 3),
        ("garbage", 503, 3),
        ("reset", 503, 3),
        ("short", 503, 3),
        ("later", 503, 1),
        ("refuses", 502, 1),
        ("elsewhere-at-once", 502, 1),
        ("loop", 502, 6),
        ("huge", 502, 1),
        ("huge-chunked", 502, 1),
        ("bomb", 502, 1),
        ("bad-json", 502, 1),
        ("wrong-charset", 502, 1),
        ("wrong-encoding", 502, 1),
    ],
)
def test_a_peer_that_misbehaves(
    caller: Stack, peer: FaultyUpstream, path: str, status: int, tries: int
) -> None:
    """Within the deadline there is the right problem, and the cause is in the log."""
    with FaultyUpstream() as other:
        peer.elsewhere = f"{other.url}/good"
        answer = call(caller, peer.url, path)
        assert_problem(answer, status)
        assert not other.asked
    assert peer.asked == {path: tries}
    # Of 3 GB we read as much as the client's bound says, and what lies in buffers.
    assert peer.sent < 64 * 1024**2
    logged = caller.log.wait_for_line(request_id=answer.headers["X-Request-ID"], event="upstream.failed")
    assert peer.url in logged["exc_info"]
    assert peer.url not in answer.body.decode()


def test_nobody_there(caller: Stack) -> None:
    """A port that is closed, and one where nobody answers."""
    (closed,) = free_ports(1)
    assert_problem(call(caller, f"http://{HOST}:{closed}"), 503)
    with black_hole() as url:
        assert_problem(call(caller, url), 503)


def test_a_peer_that_comes_back(caller: Stack, peer: FaultyUpstream) -> None:
    """Two failures of a harmless request are not even noticed; another is sent once."""
    assert call(caller, peer.url, "recovers").json() == {"answer": {}}
    assert peer.asked["recovers"] == 3
    peer.asked.clear()
    assert_problem(call(caller, peer.url, "recovers", method="POST"), 503)
    assert peer.asked["recovers"] == 1


def test_good_answers(caller: Stack, peer: FaultyUpstream) -> None:
    """JSON, no content, and what a redirect on the same host leads to, however large that is."""
    for path, wanted in (
        ("good", {"good": True}),
        ("nothing", None),
        ("moved", {"good": True}),
        ("huge-redirect", {"good": True}),
    ):
        assert call(caller, peer.url, path).json() == {"answer": wanted}
    assert peer.sent < 64 * 1024**2


def test_what_goes_along(caller: Stack, peer: FaultyUpstream) -> None:
    """The request's id, and the credentials."""
    answer = call(caller, peer.url, "good", token=BEARER)
    request_id = answer.headers["X-Request-ID"]
    assert f"X-Request-ID: {request_id}\r\n".encode() in peer.heads[-1]
    assert b"Authorization: Bearer %b\r\n" % BEARER.encode() in peer.heads[-1]
    assert BEARER not in caller.output.read_text("utf-8")


def test_partial_failure_is_data(installed: Bake, peer: FaultyUpstream) -> None:
    """The sample fetches what can be fetched, and says what could not be and why."""
    paths = ("good", "reset", "later", "huge", "elsewhere-at-once", "garbage")
    peer.elsewhere = "http://elsewhere.invalid/"
    urls = [f"{peer.url}/{path}" for path in paths]
    with Stack(installed(), APP_UPSTREAM_URLS=",".join(urls)) as stack:
        pages = stack.get("/v1/pages").json()["pages"]
    assert [page["url"] for page in pages] == urls
    assert pages[0]["bytes"] == len(b'{"good": true}')
    assert all("error" in page and "bytes" not in page for page in pages[1:]), json.dumps(pages)
