"""The store in memcached."""

import unittest
from unittest import mock

from pymemcache.exceptions import MemcacheServerError  # type: ignore[import-untyped]

from main.util.cache.backend import MAX_RELATIVE_EXPIRY, CacheSettings
from main.util.cache.namespaces import REFRESH_INTERVAL
from main.util.cache.store import RefusedError
from main.util.config import SettingError, load
from test.util.cache import store_contract
from test.util.cache.memcached_case import SERVERS, FakeClient, MemcachedCase
from test.util.cache.store_contract import FIRST, key


class TestValues(MemcachedCase, store_contract.StoreContract):
    """Values are kept on one of the servers."""

    def test_values_expire_on_the_server(self) -> None:
        for seconds, expected in {0.2: 2, 1: 2, MAX_RELATIVE_EXPIRY: 0, float("inf"): 0}.items():
            FakeClient.expiries.clear()
            self.store.set(key(1), b"1", seconds)
            self.assertEqual(list(FakeClient.expiries.values()), [expected])

    def test_other_processes_see_a_cleared_prefix_after_a_moment(self) -> None:
        other = self.new_store()
        self.store.set(key(1), b"1", 60)
        self.assertEqual(other.get(key(1)), b"1")
        self.store.clear(FIRST)
        self.now += REFRESH_INTERVAL
        self.assertIsNone(other.get(key(1)))

    def test_a_prefix_is_cleared_although_the_clock_is_behind(self) -> None:
        self.store.clear(FIRST)
        self.store.set(key(1), b"1", 60)
        self.now -= 100
        self.store.clear(FIRST)
        self.assertIsNone(self.store.get(key(1)))

    def test_a_lock_is_released_by_its_owner_only(self) -> None:
        first = self.store.lock(key(1), 1)
        assert first is not None
        self.assertIsNone(self.new_store().lock(key(1), 1))
        for values in FakeClient.values.values():
            for name in [name for name in values if name.endswith(":lock")]:
                del values[name]  # it has expired
        second = self.store.lock(key(1), 1)
        assert second is not None
        first()
        self.assertIsNone(self.store.lock(key(1), 1))

    def test_an_error_reply_is_a_refusal(self) -> None:
        self.store.get(key(1))
        errors = {server: [MemcacheServerError("object too large")] for server in SERVERS}
        with (
            mock.patch.dict(FakeClient.errors, errors),
            self.assertRaisesRegex(RefusedError, "object too large"),
        ):
            self.store.set(key(1), b"1", 60)


class TestSettings(unittest.TestCase):
    """Servers are host:port addresses."""

    def test_valid_addresses_are_accepted(self) -> None:
        for text, servers in {
            "a:11211": ("a:11211",),
            " a:1 , b:65535": ("a:1", "b:65535"),
            "cache-0.cache.svc:11211,10.0.0.1:1": ("cache-0.cache.svc:11211", "10.0.0.1:1"),
        }.items():
            self.assertEqual(load(CacheSettings, {"APP_CACHE_SERVERS": text}).servers, servers)

    def test_invalid_addresses_are_rejected(self) -> None:
        for text in (
            *("a", "a:", ":1", "a:0", "a:65536", "a:x", "a b:1", "::1:1"),
            *("a:1,", "a:1;b:1", "a:1,a:1"),
        ):
            with self.subTest(text), self.assertRaisesRegex(SettingError, "^APP_CACHE_SERVERS"):
                load(CacheSettings, {"APP_CACHE_SERVERS": text})
