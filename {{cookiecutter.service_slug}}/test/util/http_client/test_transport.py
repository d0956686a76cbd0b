"""Tests of the client on real connections to a fake upstream."""

import logging
import os
import socket
import threading
from contextlib import suppress
from time import monotonic
from typing import Any
from unittest import mock

import requests

from main.util.context import deadline
from main.util.http_client import Bearer, Client, UpstreamTimeout, UpstreamUnavailable
from main.util.http_client.transport import DeadlineResponse, Session, ThreadLocalSessions
from test.case import IsolatedCase

# Seconds between two pieces of a response, and what a busy machine may take longer.
PAUSE = 0.05
GRACE = 5.0

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


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

    def assert_times_out(self, client: Client) -> None:
        """Assert that a call ends at its total timeout."""
        started = monotonic()
        with self.assertRaises(UpstreamTimeout):
            client.get()
        self.assertTrue(client.total <= monotonic() - started < client.total + GRACE)


class TestDeadline(TransportCase):
    """An upstream that trickles its response never exceeds the timeout of a read."""

    def test_it_applies_to_headers(self) -> None:
        url = self.start(*[b"HTTP/1.1 200 OK\r\n", *[b"A: b\r\n"] * 400])
        self.assert_times_out(Client(url, total=0.3))

    def test_it_applies_to_the_body(self) -> None:
        url = self.start(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n", *[b" "] * 400)
        self.assert_times_out(Client(url, total=0.3))

    def test_it_applies_through_a_proxy(self) -> None:
        url = self.start(*[b"HTTP/1.1 200 OK\r\n", *[b"A: b\r\n"] * 400])
        with mock.patch.dict(os.environ, http_proxy=url, no_proxy=""):
            self.assert_times_out(Client("http://upstream.test", total=0.3))

    def test_it_applies_to_https(self) -> None:
        session = Session()
        self.addCleanup(session.close)
        request = requests.Request("GET", "https://upstream.test").prepare()
        adapter = session.get_adapter("https://upstream.test")
        assert isinstance(adapter, requests.adapters.HTTPAdapter)
        for proxies in ({}, {"https": "http://proxy.test:3128"}):
            pool: Any = adapter.get_connection_with_tls_context(request, True, proxies)
            connection = pool.ConnectionCls("upstream.test")
            self.assertIs(connection.response_class, DeadlineResponse)

    def test_nothing_is_read_after_it(self) -> None:
        _, response = self.response()
        with deadline.timeout(0), self.assertRaisesRegex(TimeoutError, "deadline has passed"):
            response.begin()

    def test_the_socket_keeps_its_timeout_for_the_next_request(self) -> None:
        connection, response = self.response()
        with deadline.timeout(1):
            response.begin()
        self.assertEqual(connection.gettimeout(), GRACE)

    def response(self) -> tuple[socket.socket, DeadlineResponse]:
        """Return a connection with a response that has arrived."""
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        ours.settimeout(GRACE)
        theirs.sendall(HEAD)
        response = DeadlineResponse(ours)
        self.addCleanup(response.close)
        return ours, response

    def test_a_silent_upstream_exceeds_the_timeout_of_a_read(self) -> None:
        with self.assertRaises(UpstreamTimeout):
            Client(self.start(), read=0.1, total=GRACE).get()

    def test_a_kept_connection_has_the_timeouts_of_the_next_request(self) -> None:
        client = Client(self.start(HEAD, b"{}"))
        with deadline.timeout(1):
            self.assertEqual(client.get(), {})
        self.assertEqual(client.get(), {})
        self.assertEqual(self.connections, 1)


class TestErrors(TransportCase):
    def test_the_text_names_the_call_and_the_cause(self) -> None:
        client = Client(self.start(b"220 mail.test ESMTP\r\n"), retries=0)
        with self.assertRaises(UpstreamUnavailable) as caught:
            client.get("pets", params={"q": "1"})
        self.assertRegex(str(caught.exception), rf"^GET {client.base_url}/pets: BadStatusLine: 220")

    def test_no_text_contains_the_query_or_credentials(self) -> None:
        client = Client("http://127.0.0.1:1", auth=Bearer("hunter2"), retries=0)
        with self.assertLogs(level="DEBUG") as logs:
            with self.assertRaises(UpstreamUnavailable) as caught:
                client.get("a?key=hunter2", params={"b": "hunter2"})
            logging.getLogger("test").warning("failed", exc_info=caught.exception)
            Client(self.start(HEAD, b"{}")).get(params={"b": "hunter2"})
        formatter = logging.Formatter()
        text = "\n".join(formatter.format(record) for record in logs.records)
        self.assertIn("GET http://127.0.0.1:1/a: ConnectionRefusedError", text)
        self.assertNotIn("hunter2", text)

    def test_an_oversized_redirect_is_not_read(self) -> None:
        head = (
            b"HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\nContent-Length: 9999999\r\n\r\n"
        )
        started = monotonic()
        with self.assertRaisesRegex(Exception, "redirect to another origin"):
            Client(self.start(head)).get()
        self.assertLess(monotonic() - started, 4)


class TestSessions(IsolatedCase):
    def test_each_thread_and_each_process_has_its_own(self) -> None:
        sessions = ThreadLocalSessions()
        own = sessions.get()
        self.assertIs(sessions.get(), own)
        others: list[requests.Session] = []
        thread = threading.Thread(target=lambda: others.append(sessions.get()))
        thread.start()
        thread.join()
        with mock.patch("os.getpid", return_value=-1):
            others.append(sessions.get())
        self.assertEqual(len({own, *others}), 3)
