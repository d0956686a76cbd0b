"""The store in uWSGI's memory; a process without uWSGI has a cache of its own."""

import sys
from unittest import mock

from main.util.cache.backend import BLOCK_SIZE, CacheSettings, CacheStore, LocalCache
from main.util.cache.store import MEGABYTE, RefusedError
from test.util.cache import store_contract
from test.util.cache.store_contract import key


class TestUwsgi(store_contract.StoreContract):
    def new_store(self) -> CacheStore:
        return CacheStore(CacheSettings(size=1))

    def test_the_oldest_value_makes_room(self) -> None:
        capacity = MEGABYTE // BLOCK_SIZE
        for number in range(capacity + 1):
            self.store.set(key(number), b"1", 60)
        self.assertIsNone(self.store.get(key(0)))
        self.assertEqual(self.store.get(key(1)), b"1")

    def test_a_value_that_is_larger_than_a_block_is_refused(self) -> None:
        self.store.set(key(1), bytes(BLOCK_SIZE), 60)
        with self.assertRaisesRegex(RefusedError, "65536 bytes"):
            self.store.set(key(1), bytes(BLOCK_SIZE + 1), 60)

    def test_a_lock_ends_after_its_time(self) -> None:
        with mock.patch("time.time", return_value=100.0) as clock:
            first = self.store.lock(key(1), 1)
            assert first is not None
            self.assertIsNone(self.store.lock(key(1), 1))
            clock.return_value += 1
            second = self.store.lock(key(1), 1)
            assert second is not None
            first()
            self.assertIsNone(self.store.lock(key(1), 1))
            second()
            self.assertIsNotNone(self.store.lock(key(1), 1))

    def test_workers_share_the_memory_of_uwsgi(self) -> None:
        with mock.patch.dict(sys.modules, uwsgi=LocalCache(3)):
            self.new_store().set(key(1), b"1", 60)
            self.assertEqual(self.new_store().get(key(1)), b"1")
        self.assertIsNone(self.store.get(key(1)))
