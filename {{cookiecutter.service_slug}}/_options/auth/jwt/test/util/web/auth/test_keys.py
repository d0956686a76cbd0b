"""Tests of the issuer's keys."""

import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from main.util.http_client import UpstreamTimeout, UpstreamUnavailable
from main.util.web.auth.keys import (
    FETCH_INTERVAL,
    MAX_AGE,
    REFRESH_AFTER,
    RETRY_INTERVAL,
    Keys,
    KeySet,
)
from test.issuer import JWK

ALGORITHMS = ("ES256", "ES384", "RS256")


class TestKeySet(unittest.TestCase):
    """A key verifies signatures of the algorithms that fit it."""

    def test_a_key_is_found_by_its_id_and_an_algorithm_of_its_type(self) -> None:
        keys = KeySet([JWK], ALGORITHMS)
        self.assertEqual(len(keys), 1)
        self.assertIsNotNone(keys.find("test", "ES256"))
        for key_id, algorithm in (("test", "RS256"), ("test", "ES384"), (None, "ES256")):
            self.assertIsNone(keys.find(key_id, algorithm))

    def test_a_key_without_an_id_is_for_tokens_without_one(self) -> None:
        keys = KeySet([{name: JWK[name] for name in JWK if name != "kid"}], ALGORITHMS)
        self.assertIsNotNone(keys.find(None, "ES256"))

    def test_keys_that_cannot_be_used_are_ignored(self) -> None:
        changes: list[dict[str, Any]] = [
            {"use": "enc"},
            {"alg": "ES384"},
            {"alg": "HS256"},
            {"kty": "oct", "k": "c2VjcmV0"},
            {"crv": "P-384"},
            {"x": "AAAA"},
            {"x": 7},
            {"kid": []},
        ]
        for change in changes:
            with self.subTest(change):
                self.assertEqual(len(KeySet([JWK | change, JWK], ALGORITHMS)), 1)
                self.assertFalse(KeySet([JWK | change], ALGORITHMS))


class TestKeys(unittest.TestCase):
    """Keys are fetched rarely, and known keys survive an outage of the issuer."""

    def setUp(self) -> None:
        self.now = 0.0
        self.fetches = 0
        self.error: UpstreamTimeout | None = None
        self.fetched = threading.Event()
        self.keys = Keys(self.fetch, lambda: self.now)

    def fetch(self) -> KeySet:
        self.fetches += 1
        self.fetched.set()
        if self.error:
            raise self.error
        return KeySet([JWK], ALGORITHMS)

    def fail_fetches(self) -> None:
        self.error = UpstreamTimeout("late")

    def test_the_first_callers_share_one_fetch(self) -> None:
        with ThreadPoolExecutor(8) as executor:
            found = set(executor.map(lambda _: self.keys.current(), range(8)))
        self.assertEqual((len(found), self.fetches), (1, 1))

    def test_old_keys_are_refreshed_in_the_background(self) -> None:
        old = self.keys.current()
        self.fetched.clear()
        self.now = REFRESH_AFTER
        self.assertIs(self.keys.current(), old)
        self.assertTrue(self.fetched.wait(5))
        self.assertIsNot(self.keys.refresh(), old)  # which waits for the fetch
        self.assertEqual(self.fetches, 2)

    def test_known_keys_are_used_while_the_issuer_is_down(self) -> None:
        known = self.keys.current()
        self.fail_fetches()
        self.now = REFRESH_AFTER
        self.fetched.clear()
        for _ in range(5):
            self.assertIs(self.keys.current(), known)
            self.assertTrue(self.fetched.wait(5))
            self.assertIs(self.keys.refresh(), known)
        self.assertEqual(self.fetches, 2)
        self.now += FETCH_INTERVAL
        self.assertIs(self.keys.refresh(), known)
        self.assertEqual(self.fetches, 3)

    def test_keys_expire(self) -> None:
        self.keys.current()
        self.fail_fetches()
        self.now = MAX_AGE
        with self.assertRaisesRegex(UpstreamUnavailable, "no keys of the issuer: late"):
            self.keys.current()

    def test_without_keys_they_are_fetched_again_soon(self) -> None:
        self.fail_fetches()
        for _ in range(5):
            with self.assertRaises(UpstreamUnavailable):
                self.keys.current()
        self.assertEqual(self.fetches, 1)
        self.error = None
        self.now = RETRY_INTERVAL
        self.assertEqual(len(self.keys.current()), 1)

    def test_the_check_fails_until_the_issuer_answers(self) -> None:
        self.keys.check()
        self.fail_fetches()
        self.keys.check()
        self.now = FETCH_INTERVAL
        for _ in range(2):
            with self.assertRaisesRegex(UpstreamUnavailable, "late"):
                self.keys.check()
        self.assertEqual(self.fetches, 2)
        self.error = None
        self.now = 2 * FETCH_INTERVAL
        self.keys.check()
