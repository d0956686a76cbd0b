"""A fake HTTP service: subclasses say what it replies."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from harness.waiting import HOST

Reply = tuple[int, bytes]


class FakeHTTPService:
    """A context in which a server listens at `url` and answers with `reply`."""

    def __init__(self) -> None:
        self.server = ThreadingHTTPServer((HOST, 0), _handler(self.reply))
        self.url = f"http://{HOST}:{self.server.server_port}"

    def reply(self, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        """Return the status and the body of the response to a request."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def _handler(reply: Callable[[str, bytes, dict[str, str]], Reply]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, content = reply(self.path, body, dict(self.headers.items()))
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Log nothing."""

    return Handler
