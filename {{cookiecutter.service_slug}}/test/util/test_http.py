"""The HTTP client."""

import unittest
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest import mock

import marshmallow as ma
import requests
import responses
import urllib3

from main.util import http, logs
from main.util.http import (
    Client,
    UpstreamError,
    UpstreamInvalid,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from main.util.schema import BaseSchema

BASE = "http://upstream.test/api"


@dataclass
class Pet:
    name: str


class PetSchema(BaseSchema):
    """What another service sends; it may send more."""

    class Meta:
        unknown = ma.EXCLUDE

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
        self.assertEqual((connect, read), (http.CONNECT_TIMEOUT, http.READ_TIMEOUT))

    def test_a_session_is_not_taken_across_a_fork(self) -> None:
        ours = self.client._session()
        self.assertIs(self.client._session(), ours)
        with mock.patch("os.getpid", return_value=-1):
            self.assertIsNot(self.client._session(), ours)


class TestBadAnswers(ClientCase):
    """Whatever goes wrong is one family of exceptions."""

    def assert_raises(self, kind: type[UpstreamError], call: Callable[[], Any]) -> None:
        """Assert that the call raises just this kind, and names the service."""
        with self.assertRaises(UpstreamError) as caught:
            call()
        self.assertIs(type(caught.exception), kind)
        self.assertIn(BASE, str(caught.exception))

    def test_a_refusal(self) -> None:
        for status in (301, 302, 400, 401, 404, 500):
            with self.subTest(status):
                self.network.reset()
                self.network.get(BASE, status=status, headers={"Location": "http://evil.test/"})
                self.assert_raises(UpstreamRejected, self.client.get)
                self.assertEqual(len(self.network.calls), 1)

    def test_a_service_that_cannot_be_reached(self) -> None:
        for error in (requests.ConnectionError("no"), requests.ConnectTimeout("slow")):
            with self.subTest(error):
                self.network.reset()
                self.answer(error)
                self.assert_raises(UpstreamUnavailable, self.client.get)
                self.assertEqual(len(self.network.calls), 1 + http.RETRIES)

    def test_a_service_that_answers_too_late(self) -> None:
        self.answer(requests.ReadTimeout("slow"))
        self.assert_raises(UpstreamTimeout, self.client.get)
        self.assertEqual(len(self.network.calls), 1)

    def test_an_answer_that_breaks_off(self) -> None:
        cut = mock.patch.object(
            urllib3.HTTPResponse, "read1", side_effect=urllib3.exceptions.ProtocolError("cut")
        )
        self.answer(200)
        with cut:
            self.assert_raises(UpstreamInvalid, self.client.get)

    def test_an_answer_that_drips(self) -> None:
        self.network.get(BASE, body=b"x" * 10)
        with mock.patch("time.monotonic", side_effect=[0, 0, 11]):
            self.assert_raises(UpstreamTimeout, self.client.get)

    def test_an_answer_that_is_too_large(self) -> None:
        self.network.get(BASE, body=b"x" * 11)
        with mock.patch.object(http, "MAX_BYTES", 10):
            self.assert_raises(UpstreamInvalid, self.client.get)

    def test_an_answer_that_is_not_what_was_agreed(self) -> None:
        for body in (b"{", b"\xff", b"[" * 100_000, b'{"age": 3}', b"[]"):
            with self.subTest(body[:10]):
                self.network.reset()
                self.network.get(BASE, body=body)
                self.assert_raises(UpstreamInvalid, lambda: self.client.get(schema=PetSchema()))


class TestRetries(ClientCase):
    """What is harmless to ask twice is asked again, with patience, but not for ever."""

    def test_a_service_that_comes_back(self) -> None:
        self.answer(503, requests.ConnectionError("no"), 200)
        self.assertEqual(self.client.get(), {})
        self.assertEqual(len(self.pauses), 2)
        for pause, longest in zip(self.pauses, (http.BACKOFF, 2 * http.BACKOFF), strict=True):
            self.assertTrue(0 <= pause <= longest)

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

    def test_a_date_is_no_number_of_seconds(self) -> None:
        when = {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}
        self.network.get(BASE, status=503, headers=when)
        self.answer(200)
        self.client.get()
        self.assertLessEqual(self.pauses[0], http.BACKOFF)
