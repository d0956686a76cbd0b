"""The store in the memory of a process."""

from main.util.cache.backend import OVERHEAD, CacheSettings, CacheStore
from main.util.cache.store import RefusedError
from test.util.cache import store_contract
from test.util.cache.store_contract import key


class TestMemory(store_contract.StoreContract):
    def new_store(self) -> CacheStore:
        return CacheStore(CacheSettings(size=1))

    def test_the_value_that_was_used_least_recently_makes_room(self) -> None:
        for number in range(3):
            self.store.set(key(number), bytes(300_000), 60)
        self.store.get(key(0))
        self.store.set(key(3), bytes(300_000), 60)
        kept = [number for number in range(4) if self.store.get(key(number))]
        self.assertEqual(kept, [0, 2, 3])

    def test_values_count_with_their_overhead(self) -> None:
        # A value and its overhead take 1 KB, so that 1,024 of them fit exactly.
        for number in range(1024):
            self.store.set(key(number), bytes(1024 - OVERHEAD), 60)
        self.assertEqual(len(self.store.get_many([key(number) for number in range(1024)])), 1024)
        self.store.set(key(1024), b"", 60)
        self.assertIsNone(self.store.get(key(0)))

    def test_a_value_that_is_larger_than_the_cache_is_refused(self) -> None:
        with self.assertRaisesRegex(RefusedError, "APP_CACHE_SIZE"):
            self.store.set(key(1), bytes(1024 * 1024), 60)
