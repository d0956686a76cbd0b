"""Make malformed requests by random changes to valid ones."""

import random

from tests.live.fuzz.http_requests import (
    BODY,
    CHUNKED,
    CHUNKED_BODY,
    get,
    length,
    post,
    post_chunked,
    request_line,
)

SEEDS = (
    get(
        b"Accept: application/json", b"X-Request-ID: trace-0001", target=b"/v1/hello?name=Zo%C3%AB"
    ),
    get(b"Range: bytes=0-99", b"If-Match: *", b"If-Range: x", target=b"/docs/swagger-ui.css"),
    get(b"Cookie: a=b", b"Authorization: Basic YTpi", target=b"/docs/../v1/./hello"),
    post(length(BODY)),
    post(b"Expect: 100-continue", length(BODY)),
    post_chunked(CHUNKED_BODY),
    request_line(b"OPTIONS /v1/primes HTTP/1.1") + get(),
    request_line(b"HEAD /v1/hello HTTP/1.1") + post(length(BODY)) + get(b"Connection: close"),
)
CONTROL_BYTES = (b"\r\n", b"\n", b"\r", b"\0", b":", b" ", b"\t", b"\x0b", b"\xff", b"\r\n\r\n")
TARGET_PARTS = (b"%", b"%00", b"%0d%0a", b"%ff", b"../", b"//", b"\\", b"?", b"#", b"&", b"=")
VALUE_PARTS = (b";", b",", b'"', b"{{7*7}}", b"-1", b"0x10", b"1e9", b"\xe2\x80\xa8", b"a" * 9000)
LINE_PARTS = (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"GET ", b"HEAD ", b"http://y", b"0\r\n\r\n")
FIELDS = tuple(
    b"\r\n" + field
    for field in (
        CHUNKED,
        b"Content-Length: 5",
        b"Host: y",
        b"Connection: close",
        b"X-Request-ID: ",
        b"Expect: ",
        b"Upgrade: h2c",
    )
)
TOKENS = (*CONTROL_BYTES, *TARGET_PARTS, *VALUE_PARTS, *LINE_PARTS, *FIELDS)


def mutated_request(seed: int) -> bytes:
    """Return a valid request with one to three random changes; equal seeds give equal requests."""
    chance = random.Random(seed)  # noqa: S311
    request = chance.choice(SEEDS)
    for _ in range(chance.randint(1, 3)):
        # One byte at least: an empty request is not an exchange.
        request = _mutate(request, chance) or b"\r"
    return request


def _mutate(request: bytes, chance: random.Random) -> bytes:
    """Insert, replace, repeat, delete or cut off a part of the request."""
    start, end = sorted(chance.randrange(len(request) + 1) for _ in range(2))
    end = min(end, start + 40)
    return chance.choice(
        (
            request[:start] + chance.choice(TOKENS) + request[start:],
            request[:start] + chance.choice(TOKENS) + request[end:],
            request[:start] + chance.randbytes(1) + request[start + 1 :],
            request[:end] + request[start:],
            request[:start] + request[end:],
            request[:start],
        )
    )
