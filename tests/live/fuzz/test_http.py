"""Malformed, unusual and slow HTTP requests to the nginx of a running service."""

import contextlib
import select
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.raw_http import EXCHANGE_TIMEOUT, Exchange, assert_logged, assert_unharmed, exchange
from harness.stack import Stack
from harness.waiting import HOST, wait_until
from tests.live.fuzz.http_cases import ANSWERED, REJECTED, UNFINISHED, Requests
from tests.live.fuzz.http_requests import (
    CHUNKED_BODY,
    SMUGGLED,
    get,
    head,
    post_chunked,
)

pytestmark = pytest.mark.full


def _exchange_all(stack: Stack, requests: Requests, suffix: bytes = b"") -> dict[str, Exchange]:
    """Send each request, followed by `suffix`, on a connection of its own."""
    with ThreadPoolExecutor(16) as executor:
        exchanges = executor.map(lambda sent: exchange(stack, sent + suffix), requests.values())
        return dict(zip(requests, exchanges, strict=True))


class TestShapes:
    """Requests that are complete."""

    @pytest.mark.parametrize("status", REJECTED)
    def test_malformed_requests_are_rejected_and_end_the_connection(
        self, attacked: Stack, status: int
    ) -> None:
        """There is one response; the bytes that follow are not read as a request."""
        exchanges = _exchange_all(attacked, REJECTED[status], SMUGGLED)
        statuses = {name: each.statuses for name, each in exchanges.items()}
        assert statuses == {name: [status] for name in exchanges}
        assert_logged(attacked, *exchanges.values())

    def test_unusual_requests_get_one_response(self, attacked: Stack) -> None:
        """Nothing in them becomes a header, or a response of its own."""
        requests = {name: sent for group in ANSWERED.values() for name, sent in group.items()}
        exchanges = _exchange_all(attacked, requests)
        counts = {name: len(each.statuses) for name, each in exchanges.items()}
        assert counts == dict.fromkeys(exchanges, 1)
        wrong = {
            name: status
            for accepted, group in ANSWERED.items()
            for name in group
            if (status := exchanges[name].statuses[0]) not in accepted
        }
        assert wrong == {}
        assert not [name for name, each in exchanges.items() if b"\nX-Evil" in each.received]
        assert_logged(attacked, *exchanges.values())

    def test_pipelined_requests_are_answered_in_order(self, attacked: Stack) -> None:
        """The first malformed one ends the connection."""
        valid = exchange(attacked, get() * 50)
        assert valid.statuses == [200] * 50
        mixed = exchange(attacked, get() + post_chunked(CHUNKED_BODY) + b"BAD\r\n\r\n" + SMUGGLED)
        assert mixed.statuses == [200, 200, 400]
        assert_logged(attacked, valid, mixed)

    def test_http_0_9_gets_the_body_alone(self, attacked: Stack) -> None:
        """HTTP/0.9 has neither status nor headers."""
        received = exchange(attacked, b"GET /v1/hello?name=0.9\r\n").received
        assert received == b'{"message":"Hello, 0.9!"}'
        line = attacked.log.wait_for_line(logger="nginx", uri="/v1/hello?name=0.9")
        assert line["status"] == 200


class TestSlowness:
    """No client holds a connection for longer than the timeouts allow."""

    def test_unfinished_requests_time_out(self, attacked: Stack) -> None:
        """They get no response, and the log has a 408 for each."""
        before = len(attacked.lines(logger="nginx", status=408))
        exchanges = _exchange_all(attacked, UNFINISHED)
        assert {name: each.received for name, each in exchanges.items()} == dict.fromkeys(
            UNFINISHED, b""
        )
        assert min(each.seconds for each in exchanges.values()) > 0.5
        expected = before + len(UNFINISHED)
        wait_until(lambda: len(attacked.lines(logger="nginx", status=408)) == expected)

    def test_a_trickled_head_times_out(self, attacked: Stack) -> None:
        """The timeout counts from the first byte."""
        assert _trickle(attacked, get(b"X: " + b"a" * 1000)) == b""

    def test_a_trickled_body_is_accepted(self, attacked: Stack) -> None:
        """Every byte restarts the timeout; nginx buffers the body, so no worker waits for it."""
        start = head(b"POST /v1/primes HTTP/1.1", b"Host: x", b"Content-Length: 30")
        received = _trickle(attacked, start + b" " * 30, at_once=len(start))
        assert Exchange(received, 0).statuses == [415]

    def test_a_client_that_reads_nothing_is_disconnected(self, attacked: Stack) -> None:
        """The service gives up sending after its timeout."""
        target = b"/docs/swagger-ui-bundle.js?unread"
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect((HOST, attacked.port))
            connection.sendall(get(target=target) * 8)

            def given_up() -> bool:
                served = attacked.lines(logger="nginx", uri=target.decode())
                return any(each["seconds"] > 0.5 for each in served)

            wait_until(given_up)

    @pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
    def test_disconnecting_clients_do_no_harm(self, attacked: Stack, reset: bool) -> None:
        """They leave at every third byte of a request."""
        request = post_chunked(CHUNKED_BODY)
        for size in range(0, len(request), 3):
            with socket.create_connection((HOST, attacked.port), EXCHANGE_TIMEOUT) as connection:
                connection.sendall(request[:size])
                if reset:
                    linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        assert_unharmed(attacked, "/smuggled")


def _trickle(stack: Stack, request: bytes, at_once: int = 0) -> bytes:
    """Send the first bytes at once and the others one by one until the service answers."""
    deadline = time.monotonic() + EXCHANGE_TIMEOUT
    with socket.create_connection((HOST, stack.port), EXCHANGE_TIMEOUT) as connection:
        connection.sendall(request[:at_once])
        for byte in request[at_once:]:
            assert time.monotonic() < deadline
            with contextlib.suppress(ConnectionError):
                connection.sendall(bytes([byte]))
            if select.select([connection], [], [], 0.05)[0]:
                break
        with contextlib.suppress(ConnectionError):
            return connection.recv(65536)
    return b""
