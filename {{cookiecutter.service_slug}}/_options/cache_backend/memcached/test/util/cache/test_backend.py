"""The store in memcached."""

import unittest
from unittest import mock

from pymemcache import MemcacheClientError, MemcacheServerError  # type: ignore[import-untyped]

from main.util.cache.backend import CacheSettings
from main.util.cache.store import RefusedError
from main.util.config import SettingError, load
from test.util.cache import store_contract
from test.util.cache.memcached_case import FakeClient, MemcachedCase
from test.util.cache.store_contract import FIRST, key


class TestValues(MemcachedCase, store_contract.StoreContract):
    def test_values_expire_on_the_server(self) -> None:
        month = 30 * 24 * 3600
        for seconds, expected in {0.2: 2, 1: 2, month: month, float("inf"): month}.items():
            with mock.patch.object(FakeClient, "set") as set_value:
                self.store.set(key(1), b"1", seconds)
            self.assertEqual(set_value.call_args.args[1:], (b"1", expected))

    def test_other_processes_see_a_cleared_prefix_after_a_second(self) -> None:
        other = self.new_store()
        self.store.set(key(1), b"1", 60)
        self.assertEqual(other.get(key(1)), b"1")
        self.store.clear(FIRST)
        self.now += 1
        self.assertIsNone(other.get(key(1)))

    def test_versions_are_read_once_a_second(self) -> None:
        self.store.get(key(1))
        with mock.patch.object(FakeClient, "get", return_value=b"1") as get:
            self.store.get(key(1))
            get.assert_called_once()

    def test_keys_are_short_enough(self) -> None:
        longest = f"{'s' * 40}:{'f' * 100}:{'0' * 16}:{'a' * 64}"
        release = self.store.lock(longest, 1)
        assert release is not None
        release()

    def test_a_lock_is_released_by_its_owner_only(self) -> None:
        first = self.store.lock(key(1), 1)
        assert first is not None
        self.assertIsNone(self.new_store().lock(key(1), 1))
        for values in FakeClient.values.values():
            values.clear()  # it has expired
        self.assertIsNotNone(self.store.lock(key(1), 1))
        first()
        self.assertIsNone(self.store.lock(key(1), 1))

    def test_an_error_reply_is_a_refusal(self) -> None:
        for kind in (MemcacheServerError, MemcacheClientError):
            with (
                mock.patch.object(FakeClient, "set", side_effect=kind("too large")),
                self.assertRaisesRegex(RefusedError, "too large"),
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
