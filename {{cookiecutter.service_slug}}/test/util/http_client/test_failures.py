"""Tests of redirects, errors and retries."""

from unittest import mock

import requests

from main.util.context import deadline
from main.util.http_client import (
    Bearer,
    Client,
    UpstreamError,
    UpstreamInvalid,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from main.util.http_client.client import TOTAL_TIMEOUT
from test.util.http_client.case import BASE, ClientCase


class TestRedirects(ClientCase):
    def test_a_redirect_within_the_origin_is_followed(self) -> None:
        for base in ("http://upstream.test", "https://upstream.test"):
            port = 80 if base.startswith("http:") else 443
            for target in ("/there?page=2", f"//upstream.test:{port}/there?page=2"):
                with self.subTest(base, target=target):
                    self.upstream.reset()
                    self.upstream.get(f"{base}/api", status=301, headers={"Location": target})
                    self.upstream.get(requests.compat.urljoin(base, target), json="here")
                    client = Client(f"{base}/api", auth=Bearer("hunter2"))
                    self.assertEqual(client.get(params={"page": "1"}), "here")
                    self.assertEqual(self.sent[1].headers["Authorization"], "Bearer hunter2")
                    self.assertEqual(self.sent[1].path_url, "/there?page=2")

    def test_a_redirect_to_another_origin_is_rejected(self) -> None:
        for target in (
            "https://upstream.test/",
            "//evil.test/",
            "http://upstream.test:81",
            "http://evil.test\\@upstream.test/",
        ):
            with self.subTest(target):
                self.respond(302, headers={"Location": target})
                error = self.assert_fails(UpstreamRejected)
                self.assertEqual(str(error), f"GET {BASE}: redirect to another origin")
                self.assertEqual((error.upstream_status, len(self.sent)), (302, 1))

    def test_a_redirect_to_an_invalid_url_is_invalid(self) -> None:
        self.respond(302, headers={"Location": "//[:?token=hunter2"})
        self.assertEqual(str(self.assert_fails(UpstreamInvalid)), f"GET {BASE}: ValueError")

    def test_redirects_are_followed_five_times(self) -> None:
        self.respond(302, headers={"Location": BASE})
        error = self.assert_fails(UpstreamRejected)
        self.assertEqual(str(error), f"GET {BASE}: more than 5 redirects")
        self.assertEqual(len(self.sent), 1 + 5)

    def test_a_redirect_of_a_request_that_is_not_safe_is_rejected(self) -> None:
        for method in ("POST", "DELETE"):
            self.upstream.add(method, BASE, status=307, headers={"Location": BASE})
            self.assert_fails(UpstreamRejected, method=method)
        self.assertEqual(len(self.sent), 2)


class TestErrors(ClientCase):
    def test_each_error_has_a_status_for_our_caller(self) -> None:
        errors = (UpstreamError, UpstreamRejected, UpstreamInvalid, UpstreamUnavailable)
        self.assertEqual([error.status for error in errors], [502, 502, 502, 503])
        self.assertEqual(UpstreamTimeout.status, 504)

    def test_a_status_that_is_not_a_success_is_rejected_and_not_retried(self) -> None:
        for status in (200, 206, 299):
            self.respond(status)
            self.assertEqual(self.client.get(), {})
        for status in (300, 304, 400, 401, 404, 428, 430, 500, 501, 505):
            with self.subTest(status):
                self.respond(status)
                error = self.assert_fails(UpstreamRejected)
                self.assertEqual(str(error), f"GET {BASE}: status {status}")
                self.assertEqual((error.upstream_status, len(self.sent)), (status, 1))

    def test_without_time_nothing_is_sent(self) -> None:
        with deadline.timeout(0):
            self.assert_fails(UpstreamTimeout)
        self.assert_fails(UpstreamTimeout, Client(BASE, total=0))
        self.assertEqual(self.sent, [])

    def test_timeouts_do_not_exceed_the_deadline(self) -> None:
        self.respond(200)
        self.client.get()
        self.assertEqual(self.sent[0].req_kwargs["timeout"], (1, 4))
        with deadline.timeout(0.5):
            self.client.get()
        self.assertTrue(0 < self.sent[1].req_kwargs["timeout"][0] <= 0.5)
        self.assertTrue(self.client.total == TOTAL_TIMEOUT < deadline.REQUEST_TIMEOUT)

    def test_certificates_are_verified(self) -> None:
        self.respond(200)
        for environment in ({}, {"REQUESTS_CA_BUNDLE": "/of/ours.pem"}):
            with mock.patch.dict("os.environ", environment, clear=True):
                self.client.get()
        verify = [request.req_kwargs["verify"] for request in self.sent]
        self.assertEqual(verify, [True, "/of/ours.pem"])

    def test_a_repr_contains_no_credentials(self) -> None:
        for auth in (("user", "hunter2"), Bearer("hunter2")):
            self.assertNotIn("hunter2", repr(Client(BASE, auth=auth, headers={"A": "hunter2"})))


class TestRetries(ClientCase):
    def test_an_idempotent_request_is_repeated_with_growing_pauses(self) -> None:
        self.respond(503, requests.ConnectionError("no"), 502, 504, 429, 200)
        with mock.patch("random.uniform", side_effect=lambda *bounds: sum(bounds)) as uniform:
            self.assertEqual(Client(BASE, retries=5).get(params={"q": "1"}), {})
        longest = [0.1, 0.2, 0.4, 0.8, 1.6]
        self.assertEqual([call.args for call in uniform.mock_calls], [(0, s) for s in longest])
        self.assertEqual(self.pauses, longest)
        self.assertEqual({request.url for request in self.sent}, {f"{BASE}?q=1"})

    def test_the_last_error_is_raised_after_two_retries(self) -> None:
        self.respond(requests.ConnectionError("no"))
        error = self.assert_fails(UpstreamUnavailable)
        self.assertEqual(str(error), f"GET {BASE}: ConnectionError('no')")
        self.assertEqual(len(self.sent), 1 + 2)

    def test_neither_post_nor_patch_nor_a_late_response_is_retried(self) -> None:
        self.respond(requests.ReadTimeout("late"))
        self.assert_fails(UpstreamTimeout)
        for method in ("POST", "PATCH"):
            self.upstream.add(method, BASE, status=503)
            self.assert_fails(UpstreamUnavailable, method=method)
        self.assertEqual(len(self.sent), 3)

    def test_retry_after_is_waited_for(self) -> None:
        for value, seconds in (("2", 2), ("Fri, 31 Dec 1999 23:59:59 GMT", 0), ("soon", 0)):
            with self.subTest(value):
                self.respond(503, headers={"Retry-After": value})
                self.upstream.get(BASE, json={})
                self.client.get()
                self.assertTrue(seconds <= self.pauses[0] <= seconds + 0.1)

    def test_a_pause_beyond_the_deadline_ends_the_call(self) -> None:
        self.respond(503, headers={"Retry-After": "86400"})
        self.assertEqual(self.assert_fails(UpstreamUnavailable).upstream_status, 503)
        self.assertEqual((len(self.sent), self.pauses), (1, []))

    def test_an_absurd_retry_after_is_invalid(self) -> None:
        for value in ("9" * 5000, "Fri, 31 Dec 99999999999 23:59:59 GMT"):
            self.respond(429, headers={"Retry-After": value})
            self.assert_fails(UpstreamInvalid)
