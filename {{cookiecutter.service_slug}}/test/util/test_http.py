"""The HTTP client."""

import gzip
import socket
import unittest
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest import mock

import marshmallow as ma
import requests
import responses
import urllib3

from main.util import deadline, http, http_session, logs
from main.util.http import (
    Bearer,
    Client,
    UpstreamError,
    UpstreamInvalid,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from main.util.http_session import Sessions
from main.util.schema import UpstreamSchema

BASE = "http://upstream.test/api"
PATIENCE = 10.0


@dataclass
class Pet:
    name: str


class PetSchema(UpstreamSchema):
    """What another service sends; it may send more."""

    target = Pet

    name = ma.fields.String(required=True)


class ClientCase(unittest.TestCase):
    """A test with a client, and a network that is made up."""

    def setUp(self) -> None:
        self.pauses: list[float] = []
        self.client = Client(BASE, sleep=self.pauses.append)
        self.network = responses.RequestsMock(assert_all_requests_are_fired=False)
        self.network.start()
        self.addCleanup(self.network.reset)
        self.addCleanup(self.network.stop)

    def answer(self, *answers: Any, path: str = "") -> None:
        """Let the service answer these, one after the other: a status, or what to raise."""
        for answer in answers:
            if isinstance(answer, int):
                self.network.get(BASE + path, status=answer, json={})
            else:
                self.network.get(BASE + path, body=answer)


class TestGoodAnswers(ClientCase):
    """JSON, loaded into the class that the caller names."""

    def test_json(self) -> None:
        self.network.get(f"{BASE}/pets", json=[1, "ä"])
        self.assertEqual(self.client.get("/pets"), [1, "ä"])
        self.assertEqual(self.client.get("pets"), [1, "ä"])

    def test_any_success_will_do_however_it_is_packed(self) -> None:
        for status in (200, 206, 299):
            with self.subTest(status):
                self.network.reset()
                body, headers = gzip.compress(b'{"a": 1}'), {"Content-Encoding": "gzip"}
                self.network.get(BASE, status=status, body=body, headers=headers)
                self.assertEqual(self.client.get(), {"a": 1})

    def test_a_class(self) -> None:
        self.network.get(f"{BASE}/pets/1", json={"name": "Rex", "unknown": True})
        self.assertEqual(self.client.get("pets/1", schema=PetSchema()), Pet("Rex"))

    def test_options_are_those_of_requests(self) -> None:
        self.network.post(BASE, json={"id": 1})
        self.client.request("POST", json={"name": "Rex"}, params={"q": "1"}, headers={"A": "b"})
        (call,) = self.network.calls
        self.assertEqual(call.request.url, f"{BASE}?q=1")
        self.assertEqual(call.request.body, b'{"name": "Rex"}')
        self.assertEqual(call.request.headers["A"], "b")

    def test_the_request_id_goes_along(self) -> None:
        token = logs.request_id.set("abcdefgh")
        self.addCleanup(logs.request_id.reset, token)
        self.answer(200)
        self.client.get()
        self.assertEqual(self.network.calls[0].request.headers["X-Request-ID"], "abcdefgh")

    def test_credentials(self) -> None:
        self.client.auth = ("user", "secret")
        self.answer(200)
        self.client.get()
        self.assertEqual(
            self.network.calls[0].request.headers["Authorization"], "Basic dXNlcjpzZWNyZXQ="
        )

    def test_every_call_has_its_time_outs(self) -> None:
        self.answer(200)
        self.client.get()
        connect, read = self.network.calls[0].request.req_kwargs["timeout"]  # type: ignore[attr-defined]
        self.assertEqual((connect, read, self.client.total), (1, 4, 10))

    def test_a_token(self) -> None:
        tokens = iter(("first", "second"))
        for auth, wanted in (
            (Bearer("fixed"), ["fixed", "fixed"]),
            (Bearer(lambda: next(tokens)), ["first", "second"]),
        ):
            self.network.calls.reset()
            self.client.auth = auth
            self.answer(200)
            self.client.get()
            self.client.get()
            signed = [call.request.headers["Authorization"] for call in self.network.calls]
            self.assertEqual(signed, [f"Bearer {token}" for token in wanted])

    def test_what_is_no_json(self) -> None:
        self.network.get(f"{BASE}/picture", body=b"\x89PNG")
        self.assertEqual(self.client.fetch("GET", "picture"), b"\x89PNG")

    def test_no_content(self) -> None:
        self.network.delete(BASE, status=204)
        self.assertIsNone(self.client.request("delete"))

    def test_a_redirect_on_the_same_host(self) -> None:
        self.network.get(BASE, status=307, headers={"Location": "/there?page=2"})
        self.network.get("http://upstream.test/there", json="here")
        self.assertEqual(self.client.get(params={"q": "1"}), "here")
        urls = [call.request.url for call in self.network.calls]
        self.assertEqual(urls, [f"{BASE}?q=1", "http://upstream.test/there?page=2"])

    def test_a_host_is_the_same_with_its_port_said(self) -> None:
        for base, port in ((BASE, 80), ("https://upstream.test", 443)):
            self.network.get(base, status=301, headers={"Location": f"//upstream.test:{port}/a"})
            self.network.get(f"{base.split(':')[0]}://upstream.test:{port}/a", json="here")
            self.assertEqual(Client(base).get(), "here")

    def test_what_a_service_sets_for_one_is_not_sent_for_another(self) -> None:
        self.network.get(BASE, json={}, headers={"Set-Cookie": "session=1; Path=/"})
        self.client.get()
        self.client.get()
        self.assertNotIn("Cookie", self.network.calls[1].request.headers)

    def test_a_session_is_not_taken_across_a_fork(self) -> None:
        sessions = Sessions()
        ours = sessions.get()
        self.assertIs(sessions.get(), ours)
        with mock.patch("os.getpid", return_value=-1):
            self.assertIsNot(sessions.get(), ours)


class TestMistakes(ClientCase):
    """What is wrong on our own side is told to ourselves."""

    def test_an_address_that_is_none(self) -> None:
        for url in ("upstream.test", "ftp://upstream.test/", "http://user:pass@upstream.test/"):
            with self.subTest(url), self.assertRaisesRegex(ValueError, "^base_url must be an http"):
                Client(url)

    def test_a_header_that_is_none(self) -> None:
        with self.assertRaises(requests.exceptions.InvalidHeader):
            Client("http://127.0.0.1:1").get(headers={"A": "b\r\nC: d"})

    def test_a_path_that_leads_elsewhere(self) -> None:
        for path in ("..", "pets/../../admin", "pets/%2e%2E/admin", "..\\admin"):
            with self.subTest(path), self.assertRaisesRegex(ValueError, "leads out of"):
                self.client.get(path)
        self.answer(200, path="/a..b")
        self.client.get("a..b")


class TestBadAnswers(ClientCase):
    """Whatever goes wrong is one family of exceptions."""

    def assert_raises(self, kind: type[UpstreamError], call: Callable[[], Any]) -> UpstreamError:
        """Assert that the call raises just this kind, and names the service; return it."""
        with self.assertRaises(UpstreamError) as caught:
            call()
        self.assertIs(type(caught.exception), kind)
        self.assertIn(BASE, str(caught.exception))
        return caught.exception

    def test_our_own_caller_is_told(self) -> None:
        self.assertEqual(UpstreamError.status, 502)
        self.assertEqual(UpstreamTimeout.status, 504)
        self.assertEqual(UpstreamUnavailable.status, 503)

    def test_a_redirect_to_another_host(self) -> None:
        for target in ("https://upstream.test/", "//evil.test/", "http://upstream.test:81", "//[:"):
            with self.subTest(target):
                self.network.reset()
                self.network.get(BASE, status=302, headers={"Location": target})
                error = self.assert_raises(UpstreamRejected, self.client.get)
                self.assertIn("another host", str(error))

    def test_redirects_without_end(self) -> None:
        self.network.get(BASE, status=302, headers={"Location": BASE})
        self.assert_raises(UpstreamRejected, self.client.get)
        self.assertEqual(len(self.network.calls), 1 + 5)

    def test_a_redirect_of_what_is_no_question(self) -> None:
        self.network.post(BASE, status=307, headers={"Location": BASE})
        self.assert_raises(UpstreamRejected, lambda: self.client.request("POST"))
        self.assertEqual(len(self.network.calls), 1)

    def test_no_time_is_left(self) -> None:
        with deadline.within(0):
            self.assert_raises(UpstreamTimeout, self.client.get)
        self.client.total = 0
        self.assert_raises(UpstreamTimeout, self.client.get)
        self.assertEqual(len(self.network.calls), 0)

    def test_a_refusal(self) -> None:
        for status in (300, 301, 302, 400, 401, 404, 500, 501, 505):
            with self.subTest(status):
                self.network.reset()
                self.network.get(BASE, status=status, headers={"Location": "http://evil.test/"})
                error = self.assert_raises(UpstreamRejected, self.client.get)
                self.assertEqual(vars(error)["answered"], status)
                self.assertEqual(len(self.network.calls), 1)

    def test_a_refusal_tells_no_credentials(self) -> None:
        self.client.auth = Bearer("hunter2")
        self.answer(401)
        error = self.assert_raises(UpstreamRejected, self.client.get)
        self.assertNotIn("hunter2", str(error))

    def test_a_service_that_cannot_be_reached(self) -> None:
        for error in (requests.ConnectionError("no"), requests.ConnectTimeout("slow")):
            with self.subTest(error):
                self.network.reset()
                self.answer(error)
                self.assert_raises(UpstreamUnavailable, self.client.get)
                self.assertEqual(len(self.network.calls), 1 + 2)

    def test_a_service_that_answers_too_late(self) -> None:
        self.answer(requests.ReadTimeout("slow"))
        self.assert_raises(UpstreamTimeout, self.client.get)
        self.assertEqual(len(self.network.calls), 1)

    def test_an_answer_that_breaks_off(self) -> None:
        for error, kind in (
            (urllib3.exceptions.ProtocolError("cut"), UpstreamUnavailable),
            (urllib3.exceptions.DecodeError("no gzip"), UpstreamInvalid),
            (urllib3.exceptions.ReadTimeoutError(mock.Mock(), "", "slow"), UpstreamTimeout),
        ):
            with (
                self.subTest(error),
                mock.patch.object(urllib3.HTTPResponse, "read1", side_effect=error),
            ):
                self.network.reset()
                self.answer(200)
                self.assert_raises(kind, self.client.get)

    def test_an_answer_that_is_too_large(self) -> None:
        self.network.get(BASE, body=b"x" * 11)
        client = Client(BASE, max_bytes=10)
        self.assert_raises(UpstreamInvalid, lambda: client.fetch("GET"))
        client.max_bytes = 11
        self.assertEqual(client.fetch("GET"), b"x" * 11)
        self.network.reset()
        for length in (8 * 2**20, 8 * 2**20 + 1):
            self.network.get(f"{BASE}/{length}", body=b"x" * length)
        self.assertEqual(len(self.client.fetch("GET", f"/{8 * 2**20}")), 8 * 2**20)
        self.assert_raises(UpstreamInvalid, lambda: self.client.fetch("GET", f"/{8 * 2**20 + 1}"))

    def test_an_answer_that_is_not_what_was_agreed(self) -> None:
        for body in (b"{", b"\xff", b"[" * 100_000, b'{"age": 3}', b"[]"):
            with self.subTest(body[:10]):
                self.network.reset()
                self.network.get(BASE, body=body)
                self.assert_raises(UpstreamInvalid, lambda: self.client.get(schema=PetSchema()))


class TestRetries(ClientCase):
    """What is harmless to ask twice is asked again, with patience, but not for ever."""

    def test_a_service_that_comes_back(self) -> None:
        self.answer(503, requests.ConnectionError("no"), 502, 504, 429, 200)
        self.client.retries = 5
        with mock.patch("random.uniform", side_effect=lambda *bounds: sum(bounds)) as uniform:
            self.assertEqual(self.client.get(), {})
        longest = [0.1, 0.2, 0.4, 0.8, 1.6]
        self.assertEqual([call.args for call in uniform.mock_calls], [(0, s) for s in longest])
        self.assertEqual(self.pauses, longest)

    def test_the_second_request_is_like_the_first(self) -> None:
        self.answer(503, 200)
        self.client.get(headers={"Accept-Language": "de"}, params={"q": "1"})
        first, second = (call.request for call in self.network.calls)
        self.assertEqual(second.headers["Accept-Language"], "de")
        self.assertEqual((second.url, dict(second.headers)), (first.url, dict(first.headers)))

    def test_a_post_is_sent_once(self) -> None:
        self.network.post(BASE, status=503)
        with self.assertRaises(UpstreamUnavailable):
            self.client.request("POST")
        self.assertEqual(len(self.network.calls), 1)

    def test_the_service_may_say_when(self) -> None:
        self.network.get(BASE, status=503, headers={"Retry-After": "2"})
        self.answer(200)
        self.client.get()
        self.assertEqual(self.pauses, [2.0])

    def test_but_not_beyond_the_deadline(self) -> None:
        self.network.get(BASE, status=503, headers={"Retry-After": "86400"})
        with self.assertRaises(UpstreamUnavailable):
            self.client.get()
        self.assertEqual((len(self.network.calls), self.pauses), (1, []))

    def test_when_may_be_a_date(self) -> None:
        odd = ("soon", "-1", "9" * 5000, "Fri, 31 Dec 99999999999 23:59:59 GMT")
        for when in ("Fri, 31 Dec 1999 23:59:59 GMT", *odd):
            with self.subTest(when):
                self.network.reset()
                self.pauses.clear()
                self.network.get(BASE, status=429, headers={"Retry-After": when})
                self.answer(200)
                self.client.get()
                self.assertTrue(0 <= self.pauses[0] <= http.BACKOFF)


class TestReader(unittest.TestCase):
    """An answer is read no longer than its deadline allows, however it comes."""

    def ask(self, *pieces: bytes) -> http_session._Response:
        """Return the answer of a peer that sends these pieces."""
        ours, theirs = socket.socketpair()
        self.ours = ours
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        ours.settimeout(PATIENCE)
        for piece in pieces:
            theirs.sendall(piece)
        response = http_session._Response(ours, method="GET")
        self.addCleanup(response.close)
        return response

    def test_an_answer_in_time(self) -> None:
        with deadline.within(PATIENCE):
            response = self.ask(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"ok")
            response.begin()
            self.assertEqual(response.read(), b"ok")

    def test_the_next_request_has_its_own_time_out(self) -> None:
        response = self.ask(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"ok")
        with deadline.within(1):
            response.begin()
            self.assertLessEqual(self.ours.gettimeout() or 0, 1)
            response.read()
        self.assertEqual(self.ours.gettimeout(), PATIENCE)

    def test_headers_that_do_not_end(self) -> None:
        response = self.ask(b"HTTP/1.1 200 OK\r\nA: ")
        with deadline.within(0.01), self.assertRaises(TimeoutError):
            response.begin()

    def test_when_the_deadline_has_passed_nothing_is_read(self) -> None:
        response = self.ask(b"HTTP/1.1 200 OK\r\n\r\n")
        with deadline.within(0), self.assertRaisesRegex(TimeoutError, "has passed"):
            response.begin()

    def test_connections_through_a_proxy_are_read_the_same_way(self) -> None:
        adapter = Sessions().get().get_adapter("http://upstream.test")
        proxied = adapter.proxy_manager_for("http://proxy.test:3128")  # type: ignore[attr-defined]
        for manager in (adapter.poolmanager, proxied):  # type: ignore[attr-defined]
            for scheme in ("http", "https"):
                pool = manager.connection_from_host("upstream.test", scheme=scheme)
                self.assertIs(pool.ConnectionCls.response_class, http_session._Response)
