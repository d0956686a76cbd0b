"""Tests of the issuer, whose responses the `responses` library makes up."""

from typing import Any

import responses
from responses.matchers import query_param_matcher

from main.util.auth_settings import AuthSettings
from main.util.config import load
from main.util.http_client import UpstreamError, UpstreamInvalid
from main.util.web.auth.issuer import Issuer
from main.util.web.auth.keys import KeySet
from test.case import IsolatedCase
from test.issuer import JWK, fetch_keys

ISSUER = "https://issuer.example/realm"
METADATA_URL = f"{ISSUER}/.well-known/openid-configuration"
KEYS_URL = "https://keys.example/keys"


class TestIssuer(IsolatedCase):
    """fetch_keys() finds the URL of the keys and fetches them."""

    def setUp(self) -> None:
        self.upstream = responses.RequestsMock(assert_all_requests_are_fired=False)
        self.upstream.start()
        self.addCleanup(self.upstream.reset)
        self.addCleanup(self.upstream.stop)
        self.upstream.get(METADATA_URL, json={"issuer": ISSUER, "jwks_uri": KEYS_URL})
        self.keys = self.upstream.get(KEYS_URL, json={"keys": [JWK]})
        self.issuer = self.make_issuer()

    def make_issuer(self, **settings: str) -> Issuer:
        variables = {f"APP_AUTH_{name}": value for name, value in settings.items()}
        return Issuer(load(AuthSettings, {"APP_AUTH_ISSUER": ISSUER} | variables))

    def fetch(self) -> KeySet:
        return fetch_keys(self.issuer)

    def urls(self) -> list[str]:
        return [str(call.request.url) for call in self.upstream.calls]

    def test_the_url_of_the_keys_is_discovered_once(self) -> None:
        self.fetch()
        self.assertIsNotNone(self.fetch().find("test", "ES256"))
        self.assertEqual(self.urls(), [METADATA_URL, KEYS_URL, KEYS_URL])

    def test_the_url_of_the_keys_may_be_a_setting(self) -> None:
        self.issuer = self.make_issuer(JWKS_URL=KEYS_URL)
        self.fetch()
        self.assertEqual(self.urls(), [KEYS_URL])

    def test_the_url_of_the_keys_may_have_a_query(self) -> None:
        matcher = query_param_matcher({"policy": "p1"})
        self.upstream.get("https://other.example/keys", json={"keys": [JWK]}, match=[matcher])
        self.issuer = self.make_issuer(JWKS_URL="https://other.example/keys?policy=p1")
        self.assertEqual(len(self.fetch()), 1)

    def test_the_url_is_discovered_again_after_a_failure(self) -> None:
        self.fetch()
        self.upstream.replace("GET", KEYS_URL, status=404)
        for _ in range(2):
            with self.assertRaises(UpstreamError):
                self.fetch()
        expected = [METADATA_URL, KEYS_URL, KEYS_URL, METADATA_URL, KEYS_URL]
        self.assertEqual(self.urls(), expected)

    def test_a_failing_issuer_is_not_asked_again_at_once(self) -> None:
        self.upstream.replace("GET", METADATA_URL, status=503)
        with self.assertRaises(UpstreamError):
            self.fetch()
        self.assertEqual(self.urls(), [METADATA_URL])

    def test_metadata_must_be_of_this_issuer_and_have_a_url(self) -> None:
        for metadata, reason in (
            ({"issuer": "https://other.example", "jwks_uri": KEYS_URL}, "metadata is that of"),
            ({"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"}, "no URL of the keys"),
            ({"issuer": ISSUER}, "jwks_uri"),
        ):
            self.upstream.replace("GET", METADATA_URL, json=metadata)
            with self.subTest(metadata), self.assertRaisesRegex(UpstreamInvalid, reason):
                self.fetch()

    def test_a_response_without_usable_keys_is_an_error(self) -> None:
        secret = {"kty": "oct", "k": "c2VjcmV0"}
        bodies: list[Any] = [{"keys": []}, {"keys": [secret]}, {"keys": 7}, []]
        for keys in bodies:
            self.upstream.replace("GET", KEYS_URL, json=keys)
            with self.subTest(keys), self.assertRaises(UpstreamInvalid):
                self.fetch()
