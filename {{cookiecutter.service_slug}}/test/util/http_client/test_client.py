"""Tests of the requests that a client sends, and of the results that it returns."""

import gzip
from dataclasses import dataclass
from typing import assert_type
from unittest import mock

import marshmallow as ma
from requests.exceptions import InvalidHeader

from main.util.context import current_request_id, start_trace
from main.util.http_client import (
    Bearer,
    Client,
    UpstreamInvalid,
)
from main.util.web import BaseSchema
from test.util.http_client.case import BASE, ClientCase

GZIP = {"Content-Encoding": "gzip"}


@dataclass
class Pet:
    name: str


class PetSchema(BaseSchema):
    object_class = Pet

    name = ma.fields.String(required=True)


class TestRequests(ClientCase):
    def test_each_verb_sends_its_method(self) -> None:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            self.upstream.add(method, f"{BASE}/pets", json=method)
            self.assertEqual(getattr(self.client, method.lower())("pets"), method)
        self.assertEqual(Client(f"{BASE}/").get("/pets"), "GET")

    def test_options_are_those_of_requests_and_replace_the_default_headers(self) -> None:
        self.upstream.post(BASE, json={})
        client = Client(BASE, headers={"A": "default", "B": "default"})
        client.post(json={"name": "Rex"}, params={"q": "1"}, headers={"B": "own"})
        (request,) = self.sent
        self.assertEqual((request.url, request.body), (f"{BASE}?q=1", b'{"name": "Rex"}'))
        names = ("A", "B", "Accept")
        self.assertEqual([request.headers[name] for name in names], ["default", "own", "*/*"])

    def test_the_id_and_the_trace_of_the_request_are_sent_if_there_is_one(self) -> None:
        self.respond(200)
        self.client.get()
        current_request_id.set("of-the-caller")
        start_trace("", "", "1" * 32)
        self.client.get()
        self.client.get(headers={"traceparent": "own"})
        ids = [request.headers.get("X-Request-ID") for request in self.sent]
        traces = [request.headers.get("traceparent", "")[:36] for request in self.sent]
        self.assertEqual(ids, [None, "of-the-caller", "of-the-caller"])
        self.assertEqual(traces, ["", f"00-{'1' * 32}-", "own"])

    def test_credentials_are_sent(self) -> None:
        self.respond(200)
        tokens = iter(("first", "second"))
        rotating = Bearer(lambda: next(tokens))
        for auth in (("user", "secret"), Bearer("fixed"), rotating, rotating):
            Client(BASE, auth=auth).get()
        sent = [request.headers["Authorization"] for request in self.sent]
        basic = "Basic dXNlcjpzZWNyZXQ="
        self.assertEqual(sent, [basic, "Bearer fixed", "Bearer first", "Bearer second"])

    def test_neither_cookies_nor_a_netrc_file_are_used(self) -> None:
        self.respond(200, headers={"Set-Cookie": "session=1; Path=/"})
        with mock.patch("requests.sessions.get_netrc_auth", return_value=("user", "secret")):
            self.client.get()
            self.client.get()
        for name in ("Cookie", "Authorization"):
            self.assertNotIn(name, self.sent[1].headers)

    def test_a_bad_base_url_is_refused(self) -> None:
        for url in ("upstream.test", "ftp://upstream.test", "http://u:p@a.test", f"{BASE}?a"):
            with self.subTest(url), self.assertRaisesRegex(ValueError, "^base_url must be an HTTP"):
                Client(url)

    def test_a_path_outside_the_base_url_is_refused(self) -> None:
        for path in ("..", "a/../../b", "a/%2e%2E/b", "..\\b", "a?b", "a#b"):
            with self.subTest(path), self.assertRaisesRegex(ValueError, "^path must stay below"):
                self.client.get(path)
        self.respond(200, path="/a..b")
        self.assertEqual(self.client.get("a..b"), {})

    def test_an_invalid_header_is_raised_as_it_is(self) -> None:
        with self.assertRaises(InvalidHeader):
            self.client.get(headers={"A": "b\r\nC: d"})
        with self.assertRaisesRegex(ValueError, "look for a line break"):
            Client(BASE, auth=Bearer("secret\ntoken")).get()


class TestResults(ClientCase):
    def test_json_is_loaded_into_a_dataclass_or_by_a_schema(self) -> None:
        self.respond(200, json={"name": "Rex", "unknown": True})
        self.assertEqual(self.client.get(), {"name": "Rex", "unknown": True})
        # mypy checks that this is typed.
        self.assertEqual(assert_type(self.client.get(into=Pet), Pet), Pet("Rex"))
        for schema in (PetSchema, PetSchema()):
            self.assertEqual(self.client.get(into=schema), Pet("Rex"))

    def test_no_content_is_none(self) -> None:
        self.respond(204, json=None)
        self.assertIsNone(self.client.get())
        self.assertEqual(self.client.get(into=bytes), b"")
        self.assert_fails(UpstreamInvalid, into=Pet)

    def test_the_limit_of_a_body_counts_decompressed_bytes(self) -> None:
        for body, headers in ((bytes(99), {}), (gzip.compress(bytes(99)), GZIP)):
            self.respond(200, json=None, body=body, headers=headers)
            self.assertEqual(Client(BASE, max_bytes=99).get(into=bytes), bytes(99))
            error = self.assert_fails(UpstreamInvalid, Client(BASE, max_bytes=98), into=bytes)
            self.assertEqual(str(error), f"GET {BASE}: body of more than 98 bytes")

    def test_a_body_that_is_not_what_was_expected_is_invalid(self) -> None:
        for body in (b"{", b'"\xff"', b"[" * 100_000, b'{"age": 3}', b"[]"):
            for into in (Pet, PetSchema()):
                with self.subTest(body[:10], into=into):
                    self.respond(200, json=None, body=body)
                    self.assert_fails(UpstreamInvalid, into=into)
