"""Build the bytes of HTTP requests."""

BODY = b'{"numbers":[7]}'
# BODY as one chunk, and the last chunk.
CHUNKED_BODY = b"f\r\n" + BODY + b"\r\n0\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"
# nginx must never read this as a request: cases append it, or hide it in a body or a value.
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


def head(*lines: bytes) -> bytes:
    """Return a request line and header lines, ended by an empty line."""
    return b"\r\n".join((*lines, b"", b""))


def request_line(line: bytes) -> bytes:
    """Return a request without a body that begins with `line`."""
    return head(line, b"Host: x")


def get(*fields: bytes, target: bytes = b"/v1/hello", host: bytes = b"Host: x") -> bytes:
    """Return a GET request with more header fields."""
    return head(b"GET " + target + b" HTTP/1.1", host, *fields)


def post(*fields: bytes, body: bytes = BODY, media_type: bytes = b"application/json") -> bytes:
    """Return a POST request; only `fields` say how long its body is."""
    content_type = b"Content-Type: " + media_type
    return head(b"POST /v1/primes HTTP/1.1", b"Host: x", content_type, *fields) + body


def post_chunked(body: bytes) -> bytes:
    """Return a POST request whose body is already encoded in chunks."""
    return post(CHUNKED, body=body)


def length(body: bytes) -> bytes:
    """Return the Content-Length field of a body."""
    return b"Content-Length: %d" % len(body)
