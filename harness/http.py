"""Call a service that listens on this machine."""

import contextlib
import json
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from http.client import HTTPConnection
from typing import Any, Self

from harness.waiting import HOST, TIMEOUT, free_ports

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Response:
    """An HTTP response."""

    status: int
    headers: Message
    body: bytes

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Parse the bytes of a response whose connection is closed."""
        head, _, body = raw.partition(b"\r\n\r\n")
        status_line, _, fields = head.decode("latin-1").partition("\r\n")
        headers = Parser().parsestr(fields, headersonly=True)
        return cls(int(status_line.split()[1]), headers, body)

    def json(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.body)


class ServiceClient:
    """A client of the service that listens on `port` and `ops_port`; default: free ports."""

    def __init__(self, port: int | None = None, ops_port: int | None = None) -> None:
        free = free_ports(2)
        self.port = port or free[0]
        self.ops_port = ops_port or free[1]

    @property
    def url(self) -> str:
        """Return the base URL of the public port."""
        return f"http://{HOST}:{self.port}"

    def call(
        self,
        method: str,
        path: str,
        body: bytes | str | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        port: int | None = None,
    ) -> Response:
        """Send a request on a connection of its own."""
        connection = HTTPConnection(HOST, port or self.port, timeout=TIMEOUT)
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Response(response.status, response.headers, response.read())

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Response:
        """GET from the public port."""
        return self.call("GET", path, None, headers)

    def post(self, path: str, body: object) -> Response:
        """POST JSON to the public port."""
        return self.call("POST", path, json.dumps(body), JSON)

    def ops(self, path: str) -> Response:
        """GET from the operations port."""
        return self.call("GET", path, port=self.ops_port)

    def send_raw(self, request: bytes) -> bytes:
        """Send bytes; return all bytes that come back."""
        with socket.create_connection((HOST, self.port), TIMEOUT) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def is_ready(self, path: str = "/readyz") -> bool:
        """Return whether `path` answers 200."""
        try:
            return self.get(path).status == 200
        except OSError:
            return False

    def metrics(self) -> str:
        """Return the text of /metrics."""
        return self.ops("/metrics").body.decode()

    def request_count(self, route: str = "") -> float:
        """Return how many requests to `route` the metrics count, by default to all routes."""
        pattern = r"^http_server_request_duration_seconds_count\{(.*)\} (\S+)$"
        samples = re.findall(pattern, self.metrics(), re.MULTILINE)
        return sum(float(value) for labels, value in samples if f'route="{route}' in labels)

    def cache_hits(self) -> float:
        """Return how many calls of cached functions the metrics count as hits."""
        pattern = r'^cache_calls_total\{.*outcome="hit".*\} (\S+)$'
        return sum(map(float, re.findall(pattern, self.metrics(), re.MULTILINE)))
