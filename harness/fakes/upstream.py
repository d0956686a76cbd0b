"""Fake upstreams: one that misbehaves, one that waits, and one that cannot be reached."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Self

from harness.fakes.behaviours import Behaviours
from harness.fakes.server import FakeHTTPService, Reply
from harness.waiting import HOST, TIMEOUT


class FaultyUpstream(Behaviours):
    """A context in which an upstream listens at `url`; see `Behaviours` for its paths.

    `heads` collects the request line and the headers of each request.
    """

    def __init__(self) -> None:
        super().__init__()
        self.heads: list[bytes] = []

    def __enter__(self) -> Self:
        self._socket = socket.create_server((HOST, 0), backlog=128)
        self.url = f"http://{HOST}:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        # Closing alone would not wake the thread that waits for connections.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(TIMEOUT)
        with connection, contextlib.suppress(OSError):
            while head := _read_head(connection):
                self.heads.append(head)
                path = head.split()[1].decode().partition("?")[0].strip("/")
                if not self.respond(path, connection):
                    return


def _read_head(connection: socket.socket) -> bytes:
    """Return a request up to the end of its headers; empty if the client closes."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65536)
        if not piece:
            return b""
        head += piece
    return head


class GatedUpstream(FakeHTTPService):
    """An upstream that answers "hello" as soon as `gate` is set; `requests` lists the paths."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[str] = []
        self.gate = threading.Event()

    def __exit__(self, *exception: object) -> None:
        self.gate.set()
        super().__exit__(*exception)

    def reply(self, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        """Wait for the gate."""
        self.requests.append(path)
        self.gate.wait(TIMEOUT)
        return 200, b"hello"


@contextlib.contextmanager
def unreachable_url() -> Iterator[str]:
    """Yield a URL whose server neither accepts nor refuses connections."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((HOST, 0), backlog=0))
        address = listener.getsockname()
        # Fill the kernel's queue of pending connections.
        for _ in range(4):
            pending = stack.enter_context(socket.socket())
            pending.setblocking(False)
            pending.connect_ex(address)
        yield f"http://{HOST}:{address[1]}"
