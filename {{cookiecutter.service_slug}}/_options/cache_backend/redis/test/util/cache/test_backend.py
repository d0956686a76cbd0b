"""The store in Redis; a fake replaces the client."""

import unittest
from fnmatch import fnmatchcase
from unittest import mock

from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError

from main.util.cache.backend import CacheSettings, CacheStore
from main.util.cache.store import RefusedError
from main.util.cache.timed_socket import TIMEOUT
from main.util.config import SettingError, load
from test.util.cache import store_contract
from test.util.cache.store_contract import key


class FakeRedis:
    """The client of a server that keeps everything; `error` is its reply to all commands."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.expiries: dict[str, int | None] = {}
        self.error: Exception | None = None

    def get(self, key: str) -> bytes | None:
        if self.error is not None:
            raise self.error
        return self.values.get(key)

    def mget(self, keys: list[str]) -> list[bytes | None]:
        return [self.values.get(name) for name in keys]

    def set(self, key: str, value: bytes, px: int | None = None, nx: bool = False) -> bool | None:
        if self.error is not None:
            raise self.error
        if nx and key in self.values:
            return None
        self.values[key], self.expiries[key] = value, px
        return True

    def unlink(self, *keys: str) -> None:
        for name in keys:
            self.values.pop(name, None)

    def scan(self, cursor: int, pattern: str, count: int) -> tuple[int, list[str]]:
        """Return half of the keys at first, and the others with the next call."""
        found = [name for name in list(self.values) if fnmatchcase(name, pattern)]
        return (1, found[::2]) if cursor == 0 else (0, found)

    def eval(self, script: str, count: int, key: str, token: bytes) -> None:
        if self.values.get(key) == token:
            del self.values[key]

    def ping(self) -> None:
        if self.error is not None:
            raise self.error


class TestRedis(store_contract.StoreContract):
    def new_store(self) -> CacheStore:
        return CacheStore(CacheSettings())

    def setUp(self) -> None:
        self.server = FakeRedis()
        patch = mock.patch("redis.Redis.from_url", return_value=self.server)
        patch.start()
        self.addCleanup(patch.stop)
        super().setUp()

    def test_values_expire_on_the_server(self) -> None:
        for seconds, milliseconds in {1.5: 1500, 1e-9: 1, 1e8: 10**11, 1e9: None}.items():
            self.store.set(key(1), b"1", seconds)
            self.assertEqual(self.server.expiries[key(1)], milliseconds)

    def test_a_lock_is_released_by_its_owner_only(self) -> None:
        first = self.store.lock(key(1), 1)
        assert first is not None
        self.assertIsNone(self.new_store().lock(key(1), 1))
        self.assertEqual(self.server.expiries[f"{key(1)}:lock"], 1000)
        del self.server.values[f"{key(1)}:lock"]  # it has expired
        second = self.store.lock(key(1), 1)
        assert second is not None
        first()
        self.assertIsNone(self.store.lock(key(1), 1))

    def test_an_error_reply_is_a_refusal(self) -> None:
        errors = OutOfMemoryError("OOM"), ReadOnlyError("READONLY"), ResponseError("WRONGTYPE")
        for error in errors:
            self.server.error = error
            with self.assertRaisesRegex(RefusedError, str(error)):
                self.store.set(key(1), b"1", 60)
            with self.assertRaisesRegex(RefusedError, str(error)):
                self.store.get(key(1))

    def test_a_ping_raises_the_error_of_the_client(self) -> None:
        self.server.error = ConnectionError("gone")
        with self.assertRaises(ConnectionError):
            self.store.ping()


class TestSettings(unittest.TestCase):
    """The URL is checked when the service starts, and shown nowhere."""

    def test_valid_urls_are_accepted(self) -> None:
        for url in (
            "redis://host",
            "rediss://user:secret@host:6380/2",
            "redis://[::1]:6379/0",
            "unix:///run/redis.sock?db=1",
        ):
            self.assertEqual(load(CacheSettings, {"APP_CACHE_URL": url}).url, url)

    def test_invalid_urls_are_rejected(self) -> None:
        for url in (
            "host:6379",
            "http://:secret@host",
            "redis://",
            "redis://host:0",
            "redis://host:99999",
            "redis://host:secret",
            "redis://host?socket_timeout=secret",
            "redis://host?secret=1",
            "rediss://host?ssl_cert_reqs=secret",
        ):
            with self.subTest(url), self.assertRaises(SettingError) as caught:
                load(CacheSettings, {"APP_CACHE_URL": url})
            self.assertRegex(str(caught.exception), "^APP_CACHE_URL must be redis://")
            self.assertNotIn("secret", str(caught.exception))

    def test_failed_calls_are_not_repeated(self) -> None:
        with mock.patch("redis.Redis.from_url") as from_url:
            CacheStore(CacheSettings())
        options = from_url.call_args.kwargs
        self.assertEqual(options["socket_timeout"], TIMEOUT)
        self.assertEqual(options["socket_connect_timeout"], TIMEOUT)
        self.assertEqual(options["retry"].get_retries(), 0)
