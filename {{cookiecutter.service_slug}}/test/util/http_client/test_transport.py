import logging
import os
import socket
import threading
import time
from contextlib import suppress
from gzip import compress
from typing import Any
from unittest import mock

import requests

from main.util.context import deadline
from main.util.http_client import (
    Bearer,
    Client,
    UpstreamInvalid,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from main.util.http_client.transport import DeadlineResponse, adapter_of
from test.case import IsolatedCase

# Seconds: between two pieces of a response, for a call, and what a busy machine may take longer.
PAUSE = 0.02
LIMIT = 0.1
GRACE = 5.0

STATUS = b"HTTP/1.1 200 OK\r\n"
HEAD = STATUS + b"Content-Length: 2\r\n\r\n"


class TransportCase(IsolatedCase):
    """A test with a fake upstream, which also is a proxy."""

    def start(self, *pieces: bytes) -> str:
        """Respond to each request with these pieces, with a pause after each; return the URL."""
        self.connections = 0
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        self.addCleanup(server.shutdown, socket.SHUT_RDWR)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    self.connections += 1
                    threading.Thread(target=respond, args=[connection], daemon=True).start()

        def respond(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                while connection.recv(65536):
                    for piece in pieces:
                        connection.sendall(piece)
                        threading.Event().wait(PAUSE)

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"


class TestDeadline(TransportCase):
    def test_it_ends_each_call(self) -> None:
        def late(request: requests.PreparedRequest) -> requests.PreparedRequest:
            time.sleep(0.2)
            return request

        headers = (STATUS, *[b"A: b\r\n"] * 400)
        body = (STATUS, b"Content-Length: 400\r\n\r\n", *[b" "] * 400)
        cases: tuple[tuple[str, tuple[bytes, ...], dict[str, Any]], ...] = (
            ("an upstream that trickles its headers", headers, {}),
            ("an upstream that trickles its body", body, {}),
            ("a silent upstream", (), {}),
            ("a silent upstream, with the timeout of a read", (), {"read": LIMIT, "total": GRACE}),
            ("a deadline that passes before the response is read", (HEAD,), {"auth": late}),
        )
        for name, pieces, options in cases:
            with self.subTest(name):
                self.assert_times_out(Client(self.start(*pieces), **{"total": LIMIT, **options}))

    def test_it_ends_calls_through_a_proxy(self) -> None:
        url = self.start(STATUS, *[b"A: b\r\n"] * 400)
        with mock.patch.dict(os.environ, http_proxy=url, no_proxy=""):
            self.assert_times_out(Client("http://upstream.test", total=LIMIT))

    def assert_times_out(self, client: Client) -> None:
        """Assert that a call ends after `LIMIT` seconds."""
        started = time.monotonic()
        with self.assertRaises(UpstreamTimeout):
            client.get()
        self.assertTrue(LIMIT <= time.monotonic() - started < GRACE - 1)

    def test_it_applies_to_https(self) -> None:
        request = requests.Request("GET", "https://upstream.test").prepare()
        for proxies in ({}, {"https": "http://proxy.test:3128"}):
            adapter = adapter_of(os.getpid())
            pool: Any = adapter.get_connection_with_tls_context(request, True, proxies)
            self.assertIs(pool.ConnectionCls("upstream.test").response_class, DeadlineResponse)


class TestConnections(TransportCase):
    def test_a_process_keeps_connections_and_each_call_has_its_own_timeouts(self) -> None:
        client = Client(self.start(HEAD, b"{}"))
        with deadline.timeout(1):
            client.get()
        self.assertEqual((client.get(), self.connections), ({}, 1))
        with mock.patch("os.getpid", return_value=-1):
            client.get()
        self.assertEqual(self.connections, 2)


class TestErrors(TransportCase):
    def test_the_text_names_the_call_and_the_cause(self) -> None:
        gzip = b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"
        bomb = gzip.replace(b"2\r\n\r\n{}", b"9999999\r\n\r\n") + compress(bytes(20 * 2**20), 1)
        for answer, kind, text in (
            (b"220 mail.test ESMTP", UpstreamUnavailable, "ConnectionError.*220 mail.test"),
            (STATUS + b"Content-Length: 5, 6", UpstreamInvalid, "InvalidHeader$"),
            (STATUS + b"Transfer-Encoding: chunked\r\n\r\n?", UpstreamUnavailable, "ProtocolError"),
            (STATUS + gzip, UpstreamInvalid, "DecodeError$"),
            (STATUS + bomb, UpstreamInvalid, "body of more than 8388608 bytes$"),
        ):
            client = Client(self.start(answer + b"\r\n\r\n"), retries=0)
            with self.subTest(text), self.assertRaises(kind) as caught:
                client.get("pets", params={"q": "1"})
            self.assertRegex(str(caught.exception), f"^GET {client.base_url}/pets: {text}")

    def test_no_text_contains_the_query_or_credentials(self) -> None:
        client = Client("http://127.0.0.1:1", auth=Bearer("hunter2"), retries=0)
        with self.assertLogs(level="DEBUG") as logs:
            with self.assertRaises(UpstreamUnavailable) as caught:
                client.get("a", params={"b": "hunter2"})
            logging.getLogger("test").warning("failed", exc_info=caught.exception)
            Client(self.start(HEAD, b"{}")).get(params={"b": "hunter2"})
        formatter = logging.Formatter()
        text = "\n".join(formatter.format(record) for record in logs.records)
        self.assertIn("GET http://127.0.0.1:1/a: NewConnectionError", text)
        self.assertIn("Connection refused", text)
        self.assertNotIn("hunter2", text)
