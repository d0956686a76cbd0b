"""The contract of stores: the test of each store inherits these tests."""

import unittest
from concurrent.futures import ThreadPoolExecutor

from main.util.cache.store import Store

FIRST, SECOND = "my-service:main.first:0123456789abcdef:", "my-service:main.second:fedcba98:"


def key(number: int, prefix: str = FIRST) -> str:
    """Return a key of a cached function."""
    return f'{prefix}["a/*{number}"]'


class StoreContract(unittest.TestCase):
    def new_store(self) -> Store:
        """Return the store of one more process."""
        raise NotImplementedError

    def setUp(self) -> None:
        self.store = self.new_store()

    def test_a_value_is_kept_until_it_is_deleted(self) -> None:
        self.assertIsNone(self.store.get(key(1)))
        self.store.set(key(1), b"1", 60)
        self.store.set(key(1), b"\0\xff\r\n", float("inf"))
        self.assertEqual(self.store.get(key(1)), b"\0\xff\r\n")
        self.store.delete(key(1))
        self.store.delete(key(1))
        self.assertIsNone(self.store.get(key(1)))

    def test_several_values_are_found_at_once(self) -> None:
        for number in range(5):
            self.store.set(key(number), b"%d" % number, 60)
        found = self.store.get_many([key(number) for number in range(3, 8)])
        self.assertEqual(found, {key(3): b"3", key(4): b"4"})
        self.assertEqual(Store.get_many(self.store, [key(4), key(5)]), {key(4): b"4"})

    def test_a_prefix_is_cleared(self) -> None:
        keys = [key(1), key(2), key(1, SECOND)]
        for each in keys:
            self.store.set(each, b"1", 60)
        for prefix, expected in {FIRST: [None, None, b"1"], "my-service:": [None] * 3}.items():
            self.store.clear(prefix)
            self.assertEqual([self.store.get(each) for each in keys], expected)

    def test_a_lock_can_be_taken_again_after_its_release(self) -> None:
        for _ in range(2):
            releases = [self.store.lock(key(number), 1) for number in (1, 2)]
            for release in releases:
                assert release is not None
                release()

    def test_a_store_that_works_answers_a_ping(self) -> None:
        self.store.ping()

    def test_threads_may_share_a_store(self) -> None:
        def use(number: int) -> None:
            self.store.set(key(number % 5), b"1", 60)
            self.assertIn(self.store.get(key(number % 7)), (b"1", None))
            self.store.clear(SECOND)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(use, range(200)))
