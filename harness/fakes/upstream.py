"""A server that misbehaves in every way that a client of other services has to expect."""

import contextlib
import socket
import struct
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from tests.stack import HOST, PATIENCE

GIGABYTE = 1024**3
PAUSE = 0.2  # seconds between two bytes that drip


def answer(status: str, body: bytes = b"{}", *headers: str) -> bytes:
    """Return an answer as bytes."""
    length = f"Content-Length: {len(body)}"
    head = "\r\n".join((f"HTTP/1.1 {status}", "Content-Type: application/json", length, *headers))
    return head.encode() + b"\r\n\r\n" + body


def zeros() -> Iterator[bytes]:
    """Yield 3 GB."""
    for _ in range(3 * 1024):
        yield bytes(1024**2)


class Peer:
    """A context in which the server runs; the path of a request chooses how it misbehaves.

    `asked` counts the requests by path, `sent` the bytes of the bodies without end.
    """

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.heads: list[bytes] = []
        self.sent = 0
        self.elsewhere = ""
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self._socket = socket.create_server((HOST, 0), backlog=128)
        self.url = f"http://{HOST}:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        # Closing alone would not wake the thread that waits for connections.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        with connection, contextlib.suppress(OSError):
            while head := self._head(connection):
                self.heads.append(head)
                path = head.split()[1].decode().partition("?")[0].strip("/")
                self.asked[path] += 1
                behave: Callable[[socket.socket], object] = getattr(self, path.replace("-", "_"))
                if behave(connection) != "keep":
                    return

    def _head(self, connection: socket.socket) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (piece := connection.recv(65536)):
                return b""
            head += piece
        return head

    def good(self, connection: socket.socket) -> str:
        """Answer as one should, and more often."""
        connection.sendall(answer("200 OK", b'{"good": true}'))
        return "keep"

    def slow(self, connection: socket.socket) -> str:
        """Answer after a tenth of a second."""
        self._over.wait(0.1)
        return self.good(connection)

    def nothing(self, connection: socket.socket) -> None:
        """Tell that there is nothing to tell."""
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    def empty(self, connection: socket.socket) -> None:
        """End the connection without a word."""

    def silent(self, connection: socket.socket) -> None:
        """Take the request and say nothing."""
        self._over.wait(PATIENCE)

    def garbage(self, connection: socket.socket) -> None:
        """Speak another protocol."""
        connection.sendall(b"220 mail.example ESMTP\r\n")

    def reset(self, connection: socket.socket) -> None:
        """Reset the connection in the middle of the body."""
        connection.sendall(answer("200 OK", b"x" * 100)[:-50])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def short(self, connection: socket.socket) -> None:
        """End in the middle of the body."""
        connection.sendall(answer("200 OK", b"x" * 100)[:-50])

    def _drip(self, connection: socket.socket, data: bytes) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            if self._over.wait(PAUSE):
                return

    def drip_headers(self, connection: socket.socket) -> None:
        """Send one byte after the other from the start."""
        self._drip(connection, answer("200 OK", b"{}", f"X-Long: {'x' * 1000}"))

    def drip_body(self, connection: socket.socket) -> None:
        """Send one byte after the other of the body."""
        head, _, body = answer("200 OK", b" " * 1000).partition(b"\r\n\r\n")
        connection.sendall(head + b"\r\n\r\n")
        self._drip(connection, body)

    def elsewhere_at_once(self, connection: socket.socket) -> None:
        """Redirect to another host."""
        connection.sendall(answer("302 Found", b"", f"Location: {self.elsewhere}"))

    def moved(self, connection: socket.socket) -> str:
        """Redirect to another path of this host."""
        connection.sendall(answer("307 Temporary Redirect", b"", "Location: /good?page=2"))
        return "keep"

    def loop(self, connection: socket.socket) -> str:
        """Redirect to the same path."""
        connection.sendall(answer("302 Found", b"", "Location: /loop"))
        return "keep"

    def _endless(self, connection: socket.socket, head: str, pieces: Iterator[bytes]) -> None:
        connection.sendall(head.encode())
        for piece in pieces:
            connection.sendall(piece)
            self.sent += len(piece)

    def huge(self, connection: socket.socket) -> None:
        """Announce and send 3 GB."""
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {3 * GIGABYTE}\r\n\r\n"
        self._endless(connection, head, zeros())

    def huge_chunked(self, connection: socket.socket) -> None:
        """Send 3 GB in pieces."""
        head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        self._endless(connection, head, (b"100000\r\n" + piece + b"\r\n" for piece in zeros()))

    def huge_redirect(self, connection: socket.socket) -> None:
        """Redirect to this host with a body of 3 GB."""
        head = f"HTTP/1.1 302 Found\r\nLocation: /good\r\nContent-Length: {3 * GIGABYTE}\r\n\r\n"
        self._endless(connection, head, zeros())

    def bomb(self, connection: socket.socket) -> None:
        """Send 3 GB in 3 MB, by compression."""
        head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        packer = zlib.compressobj(wbits=31)
        packed = (packer.compress(piece) for piece in zeros())
        self._endless(
            connection, head, (b"%x\r\n%b\r\n" % (len(piece), piece) for piece in packed if piece)
        )

    def bad_json(self, connection: socket.socket) -> None:
        """Answer with half of an object."""
        connection.sendall(answer("200 OK", b'{"half": '))

    def wrong_charset(self, connection: socket.socket) -> None:
        """Answer in Latin-1."""
        connection.sendall(answer("200 OK", '{"name": "Bärbel"}'.encode("latin-1")))

    def wrong_encoding(self, connection: socket.socket) -> None:
        """Say gzip, and send none."""
        connection.sendall(answer("200 OK", b"{}", "Content-Encoding: gzip"))

    def refuses(self, connection: socket.socket) -> None:
        """Answer that the caller may not do this."""
        connection.sendall(answer("403 Forbidden"))

    def later(self, connection: socket.socket) -> None:
        """Ask for patience until tomorrow."""
        connection.sendall(answer("503 Service Unavailable", b"{}", "Retry-After: 86400"))

    def recovers(self, connection: socket.socket) -> None:
        """Fail twice, then answer."""
        fails = self.asked["recovers"] <= 2
        connection.sendall(answer("503 Service Unavailable" if fails else "200 OK"))


@contextlib.contextmanager
def black_hole() -> Iterator[str]:
    """Yield an address where nobody answers a call, not even by refusing it."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((HOST, 0), backlog=0))
        address = listener.getsockname()
        for _ in range(4):  # as many as the kernel lets wait
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        yield f"http://{HOST}:{address[1]}"
