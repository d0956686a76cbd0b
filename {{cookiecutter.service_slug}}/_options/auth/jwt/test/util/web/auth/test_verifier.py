"""Tests of the verification of tokens."""

import base64
import json
import time
import unittest
from typing import Any

import jwt

from main.util.auth_settings import AuthSettings
from main.util.config import load
from main.util.web.auth.keys import Keys, KeySet
from main.util.web.auth.verifier import MAX_TOKEN, InvalidToken, UnknownKey, Verifier
from test.issuer import JWK, make_token

HOUR = 3600


def encode(data: object) -> str:
    """Return a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


class VerifierCase(unittest.TestCase):
    """A test with a verifier, whose clock tests may advance."""

    def setUp(self) -> None:
        self.seconds = 0.0
        self.fetches = 0
        self.verifier = Verifier(load(AuthSettings), Keys(self.fetch), self.clock)

    def clock(self) -> float:
        return time.time() + self.seconds

    def fetch(self) -> KeySet:
        self.fetches += 1
        return KeySet([JWK], ["ES256", "RS256"])

    def assert_invalid(self, token: str, reason: str) -> None:
        with self.assertRaisesRegex(InvalidToken, reason) as raised:
            self.verifier.caller(token)
        for part in token.split("."):
            if len(part) > 3:
                self.assertNotIn(part, repr(raised.exception))


class TestValidTokens(VerifierCase):
    """A valid token describes its caller."""

    def test_the_caller_has_the_subject_the_scopes_and_the_claims(self) -> None:
        caller = self.verifier.caller(make_token("a", "b", tenant="t1"))
        self.assertEqual((caller.subject, caller.scopes), ("somebody", {"a", "b"}))
        self.assertEqual(caller.claims["tenant"], "t1")
        self.assertNotIn("t1", repr(caller))
        with self.assertRaises(TypeError):
            caller.claims["tenant"] = "t2"  # type: ignore[index]

    def test_scopes_may_be_a_list_or_missing(self) -> None:
        for claims, scopes in (
            ({"scp": ["a", "b"]}, {"a", "b"}),
            ({"scp": "a b"}, {"a", "b"}),
            ({}, set()),
        ):
            caller = self.verifier.caller(make_token(scope=None, **claims))
            self.assertEqual(caller.scopes, scopes)

    def test_types_of_access_tokens_are_accepted(self) -> None:
        for kind in ("at+jwt", "application/at+JWT", "JWT", ""):
            self.verifier.caller(make_token(headers={"typ": kind}))

    def test_clocks_may_differ_by_the_leeway(self) -> None:
        now = int(time.time())
        self.verifier.caller(make_token(exp=now - 25))
        self.verifier.caller(make_token(nbf=now + 25, iat=now + 25))

    def test_a_token_is_verified_once(self) -> None:
        token = make_token()
        self.assertIs(self.verifier.caller(token), self.verifier.caller(token))

    def test_a_remembered_token_expires(self) -> None:
        token = make_token()
        self.verifier.caller(token)
        self.seconds = HOUR
        self.assert_invalid(token, "expired")


class TestInvalidTokens(VerifierCase):
    """Every other token is refused, and the reason contains no part of it."""

    def test_claims_are_checked(self) -> None:
        now = int(time.time())
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"iss": "https://other.example"}, "another issuer"),
            ({"aud": "other"}, "another audience"),
            ({"aud": ["other"]}, "another audience"),
            ({"exp": now - HOUR}, "expired"),
            ({"exp": 1e999}, "malformed"),
            ({"nbf": now + HOUR}, "not yet valid"),
            ({"iat": now + HOUR}, "not yet valid"),
            ({"sub": 7}, "malformed"),
            ({"scope": 7}, "malformed"),
            *(({name: None}, "must have the claims") for name in ("iss", "aud", "exp", "sub")),
        ]
        for claims, reason in wrong:
            with self.subTest(claims):
                self.assert_invalid(make_token(**claims), reason)

    def test_a_header_for_another_purpose_is_refused(self) -> None:
        for headers, reason in (
            ({"typ": "logout+jwt"}, "must be an access token"),
            ({"crit": ["exp"]}, "malformed"),
            ({"alg": "RS256"}, "must be signed by a key of the issuer"),
        ):
            with self.subTest(headers):
                token = f"{encode({'alg': 'ES256', 'kid': 'test'} | headers)}.e30.e30"
                self.assert_invalid(token, reason)

    def test_a_token_without_a_valid_signature_is_refused(self) -> None:
        header, payload, signature = make_token("a").split(".")
        for token, reason in (
            (f"{header}.{make_token('b').split('.')[1]}.{signature}", "signature"),
            (f"{encode({'alg': 'none'})}.{payload}.", "must be a signed"),
            (f"{encode({'alg': 'none'})}.{payload}.{signature}", "key of the issuer"),
            (jwt.encode({}, "x" * 32, "HS256", {"kid": "test"}), "key of the issuer"),
        ):
            with self.subTest(token):
                self.assert_invalid(token, reason)

    def test_malformed_tokens_are_refused(self) -> None:
        deep = base64.urlsafe_b64encode(b'{"alg":' + b"[" * 3000).decode().rstrip("=")
        for token in ("x", "a.b", "a.b.c.d.e", "a.b.c=", "!.b.c", "e30.e30.e30", f"{deep}.e30.e30"):
            with self.subTest(token[:20]):
                self.assert_invalid(token, "malformed|signed JSON Web Token")

    def test_a_large_token_is_refused(self) -> None:
        self.assert_invalid(make_token(large="x" * MAX_TOKEN), "at most 8192 characters")

    def test_an_unknown_key_is_looked_up_once_in_a_while(self) -> None:
        for number in range(5):
            with self.assertRaises(UnknownKey):
                self.verifier.caller(make_token(headers={"kid": f"unknown-{number}"}))
        self.assertEqual(self.fetches, 1)
