"""The store in memory."""

import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

from main.util.cache_backend import Backend, CacheSettings
from main.util.config import load


class TestMemory(unittest.TestCase):
    """Entries are kept for their time, up to a number."""

    def setUp(self) -> None:
        self.backend = Backend(load(CacheSettings, {"APP_CACHE_SIZE": "3"}))

    def test_what_was_set_is_there(self) -> None:
        self.assertIsNone(self.backend.get("a"))
        self.assertTrue(self.backend.set("a", b"1", 60))
        self.assertTrue(self.backend.set("a", b"2", None))
        self.assertEqual(self.backend.get("a"), b"2")
        self.backend.delete("a")
        self.backend.delete("a")
        self.assertIsNone(self.backend.get("a"))

    def test_what_was_used_least_recently_makes_room(self) -> None:
        for key in "abc":
            self.backend.set(key, b"1", None)
        self.backend.get("a")
        self.backend.set("d", b"1", None)
        self.assertEqual([key for key in "abcd" if self.backend.get(key)], ["a", "c", "d"])

    def test_how_many_that_can_be(self) -> None:
        for size in ("1", "10000000"):
            load(CacheSettings, {"APP_CACHE_SIZE": size})
        for size in ("0", "10000001"):
            with self.assertRaisesRegex(ValueError, "APP_CACHE_SIZE"):
                load(CacheSettings, {"APP_CACHE_SIZE": size})

    def test_clearing_by_the_beginning_of_the_keys(self) -> None:
        for key in ("a:1", "a:2", "b:1"):
            self.backend.set(key, b"1", None)
        self.backend.clear("a:")
        self.assertEqual(
            [self.backend.get(key) for key in ("a:1", "a:2", "b:1")], [None, None, b"1"]
        )

    def test_it_always_answers(self) -> None:
        self.backend.ping()

    def test_nobody_else_can_hold_a_lock(self) -> None:
        for _ in range(2):
            release = self.backend.lock("a", 1)
            assert release is not None
            release()

    def test_many_threads_may_use_it(self) -> None:
        barrier = threading.Barrier(8)

        def use(thread: int) -> None:
            barrier.wait()
            for number in range(500):
                self.backend.set(f"{thread % 2}:{number % 5}", b"1", 0.1)
                self.backend.get(f"{number % 5}")
                self.backend.clear("0:")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(use, range(8)))
