"""Tests of the HTTP client, with responses that the `responses` library makes up."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest import mock

import marshmallow as ma
import requests
import responses
import urllib3

from main.util.context import current_request_id, deadline
from main.util.http_client import (
    Bearer,
    Client,
    UpstreamError,
    UpstreamInvalid,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
    call_observers,
)
from main.util.web import UpstreamSchema
from test.case import IsolatedCase

ORIGIN = "http://upstream.test"
BASE = f"{ORIGIN}/api"


@dataclass
class Pet:
    name: str


class PetSchema(UpstreamSchema):
    object_class = Pet

    name = ma.fields.String(required=True)


class ClientCase(IsolatedCase):
    """A test with a client of a fake upstream; pauses between retries take no time."""

    def setUp(self) -> None:
        self.client = Client(BASE)
        self.upstream = responses.RequestsMock(assert_all_requests_are_fired=False)
        self.upstream.start()
        self.addCleanup(self.upstream.reset)
        self.addCleanup(self.upstream.stop)
        patch = mock.patch("time.sleep")
        self.sleep = patch.start()
        self.addCleanup(patch.stop)

    @property
    def sent(self) -> list[Any]:
        """The requests that the upstream has received."""
        return [call.request for call in self.upstream.calls]

    @property
    def pauses(self) -> list[float]:
        """The seconds between the attempts."""
        return [call.args[0] for call in self.sleep.mock_calls]

    def respond(self, *answers: Any, path: str = "") -> None:
        """Let the upstream answer GET requests with these, in turn: a status or an exception."""
        for answer in answers:
            if isinstance(answer, int):
                self.upstream.get(BASE + path, status=answer, json={})
            else:
                self.upstream.get(BASE + path, body=answer)

    def assert_raises(
        self, kind: type[UpstreamError], call: Callable[..., Any], *args: Any, **options: Any
    ) -> UpstreamError:
        """Assert that the call raises exactly this error; return it."""
        with self.assertRaises(UpstreamError) as caught:
            call(*args, **options)
        self.assertIs(type(caught.exception), kind)
        return caught.exception


class TestRequests(ClientCase):
    def test_each_verb_sends_its_method(self) -> None:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            self.upstream.add(method, f"{BASE}/pets", json={"method": method})
            verb = getattr(self.client, method.lower())
            self.assertEqual(verb("pets"), {"method": method})
        self.assertEqual(self.client.request("get", "/pets"), {"method": "GET"})

    def test_options_are_those_of_requests(self) -> None:
        self.upstream.post(BASE, json={})
        self.client.post(json={"name": "Rex"}, params={"q": "1"}, headers={"A": "b"})
        (request,) = self.sent
        self.assertEqual(request.url, f"{BASE}?q=1")
        self.assertEqual(request.body, b'{"name": "Rex"}')
        self.assertEqual(request.headers["A"], "b")

    def test_default_headers_are_sent_and_can_be_replaced(self) -> None:
        self.respond(200)
        client = Client(BASE, headers={"A": "default", "B": "default"})
        client.get(headers={"B": "own"})
        self.assertEqual([self.sent[0].headers[name] for name in "AB"], ["default", "own"])

    def test_the_request_id_is_sent(self) -> None:
        current_request_id.set("of-the-caller")
        self.respond(200)
        self.client.get()
        self.assertEqual(self.sent[0].headers["X-Request-ID"], "of-the-caller")

    def test_without_a_request_no_request_id_is_sent(self) -> None:
        self.respond(200)
        self.client.get()
        self.assertNotIn("X-Request-ID", self.sent[0].headers)

    def test_user_and_password_are_sent(self) -> None:
        self.respond(200)
        Client(BASE, auth=("user", "secret")).get()
        self.assertEqual(self.sent[0].headers["Authorization"], "Basic dXNlcjpzZWNyZXQ=")

    def test_a_token_is_sent_and_a_function_is_asked_for_each_request(self) -> None:
        self.respond(200)
        tokens = iter(("first", "second"))
        for auth in (Bearer("fixed"), rotating := Bearer(lambda: next(tokens)), rotating):
            Client(BASE, auth=auth).get()
        headers = [request.headers["Authorization"] for request in self.sent]
        self.assertEqual(headers, ["Bearer fixed", "Bearer first", "Bearer second"])

    def test_a_netrc_file_is_not_read(self) -> None:
        self.respond(200)
        with mock.patch("requests.sessions.get_netrc_auth", return_value=("user", "secret")):
            self.client.get()
        self.assertNotIn("Authorization", self.sent[0].headers)

    def test_cookies_are_not_kept(self) -> None:
        self.upstream.get(BASE, json={}, headers={"Set-Cookie": "session=1; Path=/"})
        self.client.get()
        self.client.get()
        self.assertNotIn("Cookie", self.sent[1].headers)

    def test_a_call_times_out_before_the_request_that_it_belongs_to(self) -> None:
        self.assertLess(self.client.total, deadline.REQUEST_TIMEOUT)

    def test_timeouts_do_not_exceed_the_deadline(self) -> None:
        self.respond(200)
        self.client.get()
        with deadline.timeout(2):
            self.client.get()
        self.assertEqual(self.sent[0].req_kwargs["timeout"], (1, 4))
        connect, read = self.sent[1].req_kwargs["timeout"]
        self.assertEqual(connect, 1)
        self.assertTrue(1.5 < read <= 2)


class TestOwnMistakes(ClientCase):
    def test_a_base_url_with_credentials_a_query_or_another_scheme_is_refused(self) -> None:
        for url in (
            "upstream.test",
            "ftp://upstream.test",
            "http://u:p@upstream.test",
            f"{BASE}?a",
        ):
            with self.subTest(url), self.assertRaisesRegex(ValueError, "^base_url must be an http"):
                Client(url)

    def test_a_path_outside_the_base_url_is_refused(self) -> None:
        for path in ("..", "pets/../../admin", "pets/%2e%2E/admin", "..\\admin"):
            with self.subTest(path), self.assertRaisesRegex(ValueError, "^path must stay below"):
                self.client.get(path)
        self.respond(200, path="/a..b")
        self.assertEqual(self.client.get("a..b"), {})

    def test_an_invalid_header_is_raised_as_it_is(self) -> None:
        with self.assertRaises(requests.exceptions.InvalidHeader):
            Client("http://127.0.0.1:1").get(headers={"A": "b\r\nC: d"})


class TestResults(ClientCase):
    def test_json_is_loaded_into_a_dataclass_or_by_a_schema(self) -> None:
        self.upstream.get(BASE, json={"name": "Rex", "unknown": True})
        self.assertEqual(self.client.get(), {"name": "Rex", "unknown": True})
        self.assertEqual(self.client.get(into=Pet), Pet("Rex"))
        self.assertEqual(self.client.get(into=PetSchema()), Pet("Rex"))

    def test_any_success_is_accepted_also_if_it_is_compressed(self) -> None:
        for status in (200, 206, 299):
            with self.subTest(status):
                self.upstream.reset()
                body, headers = gzip.compress(b'{"a": 1}'), {"Content-Encoding": "gzip"}
                self.upstream.get(BASE, status=status, body=body, headers=headers)
                self.assertEqual(self.client.get(), {"a": 1})

    def test_into_bytes_returns_the_body(self) -> None:
        self.upstream.get(BASE, body=b"\x89PNG")
        self.assertEqual(self.client.get(into=bytes), b"\x89PNG")

    def test_no_content_is_none(self) -> None:
        self.upstream.delete(BASE, status=204)
        self.assertIsNone(self.client.delete())
        self.assertIsNone(self.client.delete(into=Pet))
        self.assertEqual(self.client.delete(into=bytes), b"")

    def test_a_body_over_the_limit_is_invalid(self) -> None:
        self.upstream.get(BASE, body=b"x" * 11)
        self.assertEqual(Client(BASE, max_bytes=11).get(into=bytes), b"x" * 11)
        client = Client(BASE, max_bytes=10)
        error = self.assert_raises(UpstreamInvalid, client.get, into=bytes)
        self.assertEqual(str(error), f"GET {BASE}: body of more than 10 bytes")

    def test_the_limit_counts_decompressed_bytes(self) -> None:
        body, headers = gzip.compress(bytes(9 * 2**20)), {"Content-Encoding": "gzip"}
        self.upstream.get(BASE, body=body, headers=headers)
        self.assert_raises(UpstreamInvalid, self.client.get)

    def test_a_body_that_is_not_what_was_expected_is_invalid(self) -> None:
        for body in (b"{", b"\xff", b"[" * 100_000, b'{"age": 3}', b"[]"):
            for into in (Pet, PetSchema()):
                with self.subTest(body[:10], into=into):
                    self.upstream.reset()
                    self.upstream.get(BASE, body=body)
                    self.assert_raises(UpstreamInvalid, self.client.get, into=into)


class TestRedirects(ClientCase):
    def test_a_redirect_within_the_origin_is_followed(self) -> None:
        self.upstream.get(BASE, status=307, headers={"Location": "/there?page=2"})
        self.upstream.get(f"{ORIGIN}/there", json="here")
        self.assertEqual(self.client.get(params={"q": "1"}), "here")
        urls = [request.url for request in self.sent]
        self.assertEqual(urls, [f"{BASE}?q=1", f"{ORIGIN}/there?page=2"])

    def test_the_default_port_belongs_to_the_same_origin(self) -> None:
        for base, port in ((BASE, 80), ("https://upstream.test", 443)):
            scheme = base.partition(":")[0]
            self.upstream.get(base, status=301, headers={"Location": f"//upstream.test:{port}/a"})
            self.upstream.get(f"{scheme}://upstream.test:{port}/a", json="here")
            self.assertEqual(Client(base).get(), "here")

    def test_a_redirect_to_another_origin_is_rejected(self) -> None:
        for target in ("https://upstream.test/", "//evil.test/", f"{ORIGIN}:81", "//[:"):
            with self.subTest(target):
                self.upstream.reset()
                self.upstream.get(BASE, status=302, headers={"Location": target})
                error = self.assert_raises(UpstreamRejected, self.client.get)
                self.assertEqual(str(error), f"GET {BASE}: redirect to another origin")

    def test_redirects_are_followed_five_times(self) -> None:
        self.upstream.get(BASE, status=302, headers={"Location": BASE})
        self.assert_raises(UpstreamRejected, self.client.get)
        self.assertEqual(len(self.sent), 1 + 5)

    def test_a_redirect_of_a_request_that_is_not_safe_is_rejected(self) -> None:
        self.upstream.post(BASE, status=307, headers={"Location": BASE})
        self.assert_raises(UpstreamRejected, self.client.post)
        self.assertEqual(len(self.sent), 1)


class TestErrors(ClientCase):
    def test_each_error_has_a_status_for_our_caller(self) -> None:
        errors = (UpstreamError, UpstreamRejected, UpstreamInvalid, UpstreamUnavailable)
        self.assertEqual([error.status for error in errors], [502, 502, 502, 503])
        self.assertEqual(UpstreamTimeout.status, 504)

    def test_an_error_status_is_rejected_and_not_retried(self) -> None:
        for status in (300, 301, 302, 400, 401, 404, 500, 501, 505):
            with self.subTest(status):
                self.upstream.reset()
                self.upstream.get(BASE, status=status, headers={"Location": "http://evil.test/"})
                error = self.assert_raises(UpstreamRejected, self.client.get)
                self.assertEqual(error.upstream_status, status)
                self.assertEqual(len(self.sent), 1)

    def test_a_late_response_is_a_timeout_and_not_retried(self) -> None:
        self.respond(requests.ReadTimeout("late"))
        self.assert_raises(UpstreamTimeout, self.client.get)
        self.assertEqual(len(self.sent), 1)

    def test_without_time_nothing_is_sent(self) -> None:
        with deadline.timeout(0):
            self.assert_raises(UpstreamTimeout, self.client.get)
        self.assert_raises(UpstreamTimeout, Client(BASE, total=0).get)
        self.assertEqual(self.sent, [])

    def test_a_failure_while_the_body_is_read_is_translated(self) -> None:
        for failure, kind in (
            (urllib3.exceptions.ProtocolError("cut"), UpstreamUnavailable),
            (urllib3.exceptions.DecodeError("not gzip"), UpstreamInvalid),
            (urllib3.exceptions.ReadTimeoutError(mock.Mock(), "", "slow"), UpstreamTimeout),
        ):
            with (
                self.subTest(kind),
                mock.patch.object(urllib3.HTTPResponse, "read1", side_effect=failure),
            ):
                self.upstream.reset()
                self.respond(200)
                self.assert_raises(kind, self.client.get)

    def test_a_cause_that_the_caller_handles_is_not_named(self) -> None:
        self.respond(requests.ConnectionError("no route"))
        try:
            raise KeyError("handled")
        except KeyError:
            error = self.assert_raises(UpstreamUnavailable, self.client.get)
        self.assertEqual(str(error), f"GET {BASE}: ConnectionError: no route")

    def test_a_repr_contains_no_credentials(self) -> None:
        client = Client(BASE, auth=Bearer("hunter2"), headers={"Api-Key": "hunter2"})
        self.assertNotIn("hunter2", f"{client!r} {client.auth!r}")


class TestRetries(ClientCase):
    def test_an_idempotent_request_is_repeated_with_growing_pauses(self) -> None:
        self.respond(503, requests.ConnectionError("no"), 502, 504, 429, 200)
        client = Client(BASE, retries=5)
        with mock.patch("random.uniform", side_effect=lambda *bounds: sum(bounds)) as uniform:
            self.assertEqual(client.get(), {})
        longest = [0.1, 0.2, 0.4, 0.8, 1.6]
        self.assertEqual([call.args for call in uniform.mock_calls], [(0, s) for s in longest])
        self.assertEqual(self.pauses, longest)

    def test_the_last_error_is_raised_after_two_retries(self) -> None:
        self.respond(requests.ConnectionError("no"))
        self.assert_raises(UpstreamUnavailable, self.client.get)
        self.assertEqual(len(self.sent), 1 + 2)

    def test_a_repeated_request_is_the_same(self) -> None:
        self.respond(503, 200)
        self.client.get(headers={"Accept-Language": "de"}, params={"q": "1"})
        first, second = self.sent
        self.assertEqual(second.headers["Accept-Language"], "de")
        self.assertEqual((second.url, dict(second.headers)), (first.url, dict(first.headers)))

    def test_post_and_patch_are_sent_once(self) -> None:
        for method in ("POST", "PATCH"):
            self.upstream.reset()
            self.upstream.add(method, BASE, status=503)
            self.assert_raises(UpstreamUnavailable, self.client.request, method)
            self.assertEqual(len(self.sent), 1)

    def test_retry_after_is_kept(self) -> None:
        self.upstream.get(BASE, status=503, headers={"Retry-After": "2"})
        self.respond(200)
        self.client.get()
        self.assertTrue(2 <= self.pauses[0] <= 2.1)

    def test_a_pause_beyond_the_deadline_ends_the_call(self) -> None:
        self.upstream.get(BASE, status=503, headers={"Retry-After": "86400"})
        self.assert_raises(UpstreamUnavailable, self.client.get)
        self.assertEqual((len(self.sent), self.pauses), (1, []))

    def test_retry_after_may_be_a_date_and_an_invalid_one_is_ignored(self) -> None:
        invalid = ("soon", "-1", "9" * 5000, "Fri, 31 Dec 99999999999 23:59:59 GMT")
        for value in ("Fri, 31 Dec 1999 23:59:59 GMT", *invalid):
            with self.subTest(value[:30]):
                self.upstream.reset()
                self.sleep.reset_mock()
                self.upstream.get(BASE, status=429, headers={"Retry-After": value})
                self.respond(200)
                self.client.get()
                self.assertTrue(0 <= self.pauses[0] <= 0.1)


class TestObservation(ClientCase):
    def test_each_call_is_logged_and_observed(self) -> None:
        observed: list[tuple[str, str, str]] = []
        self.addCleanup(call_observers.register, *call_observers.callbacks)
        call_observers.register(lambda *call: observed.append(call[:3]))
        self.respond(503, 200, path="/pets")
        self.upstream.get(f"{BASE}/gone", status=410)
        self.upstream.get(f"{BASE}/broken", body=requests.ReadTimeout("late"))
        with self.assertLogs("main.util.http_client", "INFO") as logs:
            self.client.get("pets", params={"q": "1"})
            self.assert_raises(UpstreamRejected, self.client.get, "gone?q=1")
            self.assert_raises(UpstreamTimeout, self.client.get, "broken")
        self.assertEqual(
            observed,
            [("upstream.test", "GET", status) for status in ("200", "410", "upstreamtimeout")],
        )
        records = [vars(record) for record in logs.records]
        logged = [(each["msg"], each["path"], each["status"]) for each in records]
        self.assertEqual(
            logged,
            [
                ("upstream.called", "/api/pets", 200),
                ("upstream.called", "/api/gone", 410),
                ("upstream.called", "/api/broken", "upstreamtimeout"),
            ],
        )
        self.assertTrue(all(each["method"] == "GET" and each["seconds"] >= 0 for each in records))
