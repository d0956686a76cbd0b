"""Every error of the running stack is a problem (RFC 9457), from nginx or the application."""

import json
import socket
from pathlib import Path

import pytest

from harness.http import JSON, Response
from harness.problem import assert_problem
from harness.project import patched_copy
from harness.stack import Stack, StackType

MAX_BODY = 1024 * 1024
# 2^53 minus these are its largest primes: a processor needs seconds for each.
OFFSETS = [
    *(111, 145, 231, 265, 315, 339, 343, 369, 379, 421),
    *(429, 451, 463, 483, 511, 553, 595, 681, 685, 693),
]
FORMAT_ERRORS = {
    "no Host header": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "malformed percent encoding": (b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "TLS on a plain port": (b"\x16\x03\x01\x02 \xff\r\n\r\n", 400),
    "malformed chunk": (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        400,
    ),
    "unsupported HTTP version": (b"GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505),
}
HEADERS = {
    "two of 8 KB": [b"X-A: " + b"a" * 8000] * 2,
    "three of 8 KB": [b"X-A: " + b"a" * 8000] * 3,
    "150 empty": [b"a:"] * 150,
    "900 empty": [b"a:"] * 900,
    "5000 empty": [b"a:"] * 5000,
    "5700 empty": [b"a:"] * 5700,
    "6000 empty": [b"a:"] * 6000,
    "200 of 100 bytes": [b"X-%d: %s" % (number, b"a" * 100) for number in range(200)],
}


def test_errors_of_the_application_pass_through_nginx(stack: Stack) -> None:
    """The problem, its headers and the request id stay as the application sent them."""
    assert_problem(stack.get("/unknown"), 404)
    assert_problem(stack.call("POST", "/v1/primes", "{", JSON), 400)
    assert_problem(stack.call("POST", "/v1/primes", "numbers=7"), 415)
    assert_problem(stack.post("/v1/primes", {"numbers": [7], "x": 1}), 422)
    assert_problem(stack.get("/v1/hello?unknown=1"), 422)
    wrong_method = stack.call("DELETE", "/v1/hello")
    assert_problem(wrong_method, 405)
    (allowed,) = wrong_method.headers.get_all("Allow", [])
    assert {"GET", "HEAD"} <= set(allowed.split(", "))
    request_id = "given-by-caller"
    response = stack.get("/unknown", {"X-Request-ID": request_id})
    assert response.json()["request_id"] == request_id


@pytest.mark.full
def test_work_that_exceeds_its_deadline_is_a_503_problem(project: Path) -> None:
    """Twenty of the largest primes take far longer than a request may; the service stays well."""
    numbers = [2**53 - offset for offset in OFFSETS]
    with Stack(project) as stack:
        assert_problem(stack.post("/v1/primes", {"numbers": numbers}), 503)
        assert stack.get("/v1/hello").status == 200


def test_errors_of_nginx_are_problems(stack: Stack) -> None:
    """Too long URIs, too large headers and refused methods never reach the application."""
    assert_problem(stack.get("/" + "a" * 9000), 414)
    assert_problem(stack.get("/readyz", {"X-Large": "a" * 9000}), 431)
    trace = stack.call("TRACE", "/")
    assert_problem(trace, 405)
    assert trace.headers["Allow"]
    for port in (stack.port, stack.ops_port):
        refused = stack.call("POST", "/livez", "x", port=port)
        assert_problem(refused, 405)
        assert refused.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(("request_bytes", "status"), FORMAT_ERRORS.values(), ids=FORMAT_ERRORS)
def test_malformed_requests_are_problems(stack: Stack, request_bytes: bytes, status: int) -> None:
    """Requests that nginx cannot parse get a problem, too."""
    assert_problem(Response.parse(stack.send_raw(request_bytes)), status)


def test_a_header_of_6_kb_is_accepted(stack: Stack) -> None:
    """Tokens of that size are common."""
    assert stack.get("/readyz", {"Authorization": "Bearer " + "a" * 6000}).status == 200


@pytest.mark.parametrize("query", [b"", b"?" + b"q" * 8000], ids=["short-uri", "long-uri"])
@pytest.mark.parametrize("fields", HEADERS.values(), ids=HEADERS)
def test_headers_are_accepted_or_refused_with_431(
    stack: Stack, fields: list[bytes], query: bytes
) -> None:
    """Headers that nginx accepts always fit into uWSGI's buffer."""
    head = [b"GET /v1/pages%s HTTP/1.1" % query, b"Host: x", b"Connection: close", *fields]
    response = Response.parse(stack.send_raw(b"\n".join(head) + b"\n\n"))
    if response.status != 200:
        assert_problem(response, 431)


@pytest.mark.parametrize("size", [MAX_BODY + 1, 5_000_000])
def test_a_body_over_the_limit_is_refused_with_413(stack: Stack, size: int) -> None:
    """The client reads the response although nginx does not read the whole body."""
    for _ in range(8):
        assert_problem(stack.call("POST", "/v1/primes", b" " * size, JSON), 413)


def test_the_body_limit_holds_for_chunked_bodies(stack: Stack) -> None:
    """A body of exactly the limit is accepted, with a length and in chunks."""
    chunks = iter([b" " * MAX_BODY, b" "])
    assert_problem(stack.call("POST", "/v1/primes", chunks, JSON), 413)
    body = json.dumps({"numbers": [7]}).encode().ljust(MAX_BODY)
    assert stack.call("POST", "/v1/primes", body, JSON).status == 200
    assert stack.call("POST", "/v1/primes", iter([body]), JSON).status == 200


def test_an_unread_body_does_not_lose_the_response(stack: Stack) -> None:
    """The application refuses the content type without reading the body."""
    for _ in range(8):
        assert_problem(stack.call("POST", "/v1/primes", b"a" * MAX_BODY), 415)


def test_nginx_without_the_application_answers_problems(
    stack_type: StackType, project: Path, tmp_path: Path
) -> None:
    """Only /livez answers 200; the rest is 502, 504, or 429 above a rate limit."""
    changes = {
        "uwsgi_read_timeout 25s;": "uwsgi_read_timeout 1s;",
        "location / {\n            uwsgi_cache": "location / {\nlimit_req zone=team;\nuwsgi_cache",
        "gzip on;": "gzip on; limit_req_zone $request_uri zone=team:1m rate=1r/m;",
    }
    limited = patched_copy(project, tmp_path / "service", "deploy/nginx.conf", changes)
    with stack_type(limited, "nginx", ready="/livez") as stack:
        assert_problem(stack.get("/v1/hello"), 502)
        assert_problem(stack.get("/v1/hello"), 429)
        assert_problem(stack.get("/readyz"), 502)
        assert_problem(stack.ops("/metrics"), 502)
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(str(stack.run_dir / "ops.sock"))
            (stack.run_dir / "ops.sock").chmod(0o777)
            silent.listen()
            assert_problem(stack.get("/readyz"), 504)
