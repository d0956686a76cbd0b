"""Send arbitrary bytes to a running service and check that it survives them."""

import contextlib
import re
import socket
import time
from collections import Counter
from dataclasses import dataclass

from harness.stack import Stack
from harness.waiting import HOST, wait_until

# Seconds after which every connection must have ended, also on a busy machine.
EXCHANGE_TIMEOUT = 15.0
# RFC 9112 and RFC 9110 define these for a transfer coding (501) and an HTTP version (505) that
# the server does not know. Any other 5xx status is a failure of the service.
CLIENT_ERRORS = {501, 505}
# nginx sends this header first in each response.
RESPONSE = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\nServer: nginx\r\n(.*?\r\n)\r\n", re.DOTALL)


@dataclass(frozen=True)
class Exchange:
    """The bytes that came back on a connection, and its duration."""

    received: bytes
    seconds: float

    @property
    def statuses(self) -> list[int]:
        """Return the status of each response."""
        return [int(match[1]) for match in RESPONSE.finditer(self.received)]

    @property
    def request_ids(self) -> list[str]:
        """Return the request id of each response; no response may repeat a header."""
        ids = []
        for match in RESPONSE.finditer(self.received):
            fields = re.findall(r"^(\S+): ?(.*)\r$", match[2].decode("latin-1"), re.MULTILINE)
            headers = dict(fields)
            assert len(headers) == len(fields), fields
            ids.append(headers["X-Request-ID"])
        return ids


def exchange(stack: Stack, request: bytes) -> Exchange:
    """Send bytes and read until the service closes the connection, which must be in time."""
    started = time.monotonic()
    received = b""
    with socket.create_connection((HOST, stack.port), EXCHANGE_TIMEOUT) as connection:
        # The service may reset the connection while we still send, or at its timeout.
        with contextlib.suppress(ConnectionError):
            connection.sendall(request)
        with contextlib.suppress(ConnectionError):
            while piece := connection.recv(65536):
                received += piece
    seconds = time.monotonic() - started
    assert seconds < EXCHANGE_TIMEOUT
    return Exchange(received, seconds)


def is_server_failure(status: int) -> bool:
    """Return whether a status blames the service and not its client."""
    return status >= 500 and status not in CLIENT_ERRORS


def assert_logged(stack: Stack, *exchanges: Exchange) -> None:
    """Wait until nginx's log has a line with id and status for each response."""
    responses = Counter(
        response
        for each in exchanges
        for response in zip(each.request_ids, each.statuses, strict=True)
    )

    def all_logged() -> bool:
        served = stack.lines(logger="nginx", event="request.served")
        return responses <= Counter((each["request_id"], each["status"]) for each in served)

    wait_until(all_logged)


def assert_each_handled_request_was_passed_on(stack: Stack) -> None:
    """Wait until nginx has logged as many requests as the application has counted.

    uWSGI logs no requests. A request that nginx does not know of was smuggled in another.
    """
    handled = stack.request_count()

    def all_logged() -> bool:
        served = stack.lines(logger="nginx", event="request.served")
        return handled <= sum(bool(each["upstream_seconds"]) for each in served)

    wait_until(all_logged)


def assert_unharmed(stack: Stack, smuggled_path: str) -> None:
    """Assert that the service answers, that its log is free of failures, and that no worker died.

    No logged request may be for `smuggled_path`.
    """
    response = stack.get("/v1/hello?name=Bob")
    assert response.json() == {"message": "Hello, Bob!"}
    assert_each_handled_request_was_passed_on(stack)
    stack.log.wait_for_line(logger="nginx", request_id=response.headers["X-Request-ID"])
    lines = stack.lines()
    served = [each for each in lines if each["event"] == "request.served"]
    assert not [each for each in served if each["uri"].startswith(smuggled_path)]
    assert not [each for each in lines if each["level"] == "ERROR" and each["logger"] != "nginx"]
    # While the service started, nginx answered /readyz before the application listened.
    starting = [each for each in lines if "/readyz" in each.get("uri", each.get("message", ""))]
    failures = [
        each
        for each in lines
        if each["level"] == "CRITICAL" or is_server_failure(each.get("status", 0))
    ]
    assert [each for each in failures if each not in starting] == []
    assert len(stack.workers()) == stack.worker_count
