"""The ways in which a faulty upstream responds to a request."""

import socket
import struct
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from harness.waiting import TIMEOUT

MEGABYTE = 1024**2
OVERSIZE = 3 * 1024 * MEGABYTE
# Seconds between two bytes of a response that trickles.
TRICKLE_INTERVAL = 0.2
KEEP_ALIVE = True


def response(status: str, body: bytes = b"{}", *headers: str) -> bytes:
    """Return the bytes of a response with a JSON body."""
    length = f"Content-Length: {len(body)}"
    head = "\r\n".join((f"HTTP/1.1 {status}", "Content-Type: application/json", length, *headers))
    return head.encode() + b"\r\n\r\n" + body


# Responses after which the connection is closed.
FIXED = {
    "empty": b"",
    "forbidden": response("403 Forbidden"),
    "invalid-gzip": response("200 OK", b"{}", "Content-Encoding: gzip"),
    "invalid-json": response("200 OK", b'{"half": '),
    "invalid-utf8": response("200 OK", '{"name": "Bärbel"}'.encode("latin-1")),
    "no-content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "not-http": b"220 mail.example ESMTP\r\n",
    "retry-after": response("503 Service Unavailable", b"{}", "Retry-After: 86400"),
    "truncated": response("200 OK", b"x" * 100)[:-50],
}
OVERSIZED_HEADS = {
    "oversized": f"200 OK\r\nContent-Length: {OVERSIZE}",
    "oversized-chunked": "200 OK\r\nTransfer-Encoding: chunked",
    "oversized-redirect": f"302 Found\r\nLocation: /ok\r\nContent-Length: {OVERSIZE}",
    "gzip-bomb": "200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked",
}


class Behaviours:
    """Responses by the path of the request: FIXED, OVERSIZED_HEADS, or a method of that name.

    A method returns KEEP_ALIVE if the connection stays open. `requests` counts requests by path,
    `body_bytes_sent` counts the bytes of oversized bodies.
    """

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.body_bytes_sent = 0
        self.cross_origin_url = ""
        self.stopping = threading.Event()

    def respond(self, path: str, connection: socket.socket) -> bool:
        """Respond to a request; return whether the connection stays open."""
        self.requests[path] += 1
        if path in FIXED:
            connection.sendall(FIXED[path])
            return False
        if path in OVERSIZED_HEADS:
            self._send_oversized(path, connection)
            return False
        behave: Callable[[socket.socket], bool | None] = getattr(self, path.replace("-", "_"))
        return bool(behave(connection))

    def ok(self, connection: socket.socket) -> bool:
        """Answer correctly."""
        connection.sendall(response("200 OK", b'{"ok": true}'))
        return KEEP_ALIVE

    def slow(self, connection: socket.socket) -> bool:
        """Answer correctly after a tenth of a second."""
        self.stopping.wait(0.1)
        return self.ok(connection)

    def recovers(self, connection: socket.socket) -> None:
        """Answer 503 twice, then 200."""
        fails = self.requests["recovers"] <= 2
        connection.sendall(response("503 Service Unavailable" if fails else "200 OK"))

    def silent(self, connection: socket.socket) -> None:
        """Never respond."""
        self.stopping.wait(TIMEOUT)

    def reset(self, connection: socket.socket) -> None:
        """Reset the connection in the middle of the body."""
        connection.sendall(FIXED["truncated"])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def trickle_headers(self, connection: socket.socket) -> None:
        """Send the whole response byte by byte."""
        self._trickle(connection, response("200 OK", b"{}", f"X-Long: {'x' * 1000}"))

    def trickle_body(self, connection: socket.socket) -> None:
        """Send the headers at once and the body byte by byte."""
        head, end, body = response("200 OK", b" " * 1000).partition(b"\r\n\r\n")
        connection.sendall(head + end)
        self._trickle(connection, body)

    def redirect(self, connection: socket.socket) -> bool:
        """Redirect to another path of this server."""
        connection.sendall(response("307 Temporary Redirect", b"", "Location: /ok?page=2"))
        return KEEP_ALIVE

    def redirect_loop(self, connection: socket.socket) -> bool:
        """Redirect to the same path."""
        connection.sendall(response("302 Found", b"", "Location: /redirect-loop"))
        return KEEP_ALIVE

    def cross_origin_redirect(self, connection: socket.socket) -> None:
        """Redirect to `cross_origin_url`."""
        connection.sendall(response("302 Found", b"", f"Location: {self.cross_origin_url}"))

    def _trickle(self, connection: socket.socket, data: bytes) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            if self.stopping.wait(TRICKLE_INTERVAL):
                return

    def _send_oversized(self, path: str, connection: socket.socket) -> None:
        """Send OVERSIZE bytes, or a gzip stream that decompresses to as many."""
        head = OVERSIZED_HEADS[path]
        pieces: Iterable[bytes] = (bytes(MEGABYTE) for _ in range(OVERSIZE // MEGABYTE))
        if "gzip" in head:
            pieces = _gzip(pieces)
        connection.sendall(f"HTTP/1.1 {head}\r\n\r\n".encode())
        for piece in pieces:
            chunk = b"%x\r\n%b\r\n" % (len(piece), piece) if "chunked" in head else piece
            connection.sendall(chunk)
            self.body_bytes_sent += len(chunk)


def _gzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(wbits=31)
    return (output for piece in pieces if (output := compressor.compress(piece)))
