"""The store in uWSGI's memory; its functions are stand-ins here, and where there is no uWSGI."""

import sys
import unittest
from unittest import mock

from main.util.cache_backend import LARGEST, Backend, CacheSettings, OneProcess
from main.util.config import load


class TestUwsgi(unittest.TestCase):
    """Entries are kept, up to a number."""

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

    def test_the_oldest_makes_room(self) -> None:
        for key in "abcd":
            self.backend.set(key, b"1", None)
        self.assertEqual([key for key in "abcd" if self.backend.get(key)], ["b", "c", "d"])

    def test_what_is_too_large_is_refused(self) -> None:
        self.assertTrue(self.backend.set("a", bytes(LARGEST), None))
        self.assertFalse(self.backend.set("a", bytes(LARGEST + 1), None))

    def test_clearing_by_the_beginning_of_the_keys(self) -> None:
        for key in ("a:1", "a:2", "b:1"):
            self.backend.set(key, b"1", None)
        self.backend.clear("a:")
        self.assertEqual(
            [self.backend.get(key) for key in ("a:1", "a:2", "b:1")], [None, None, b"1"]
        )

    def test_one_holds_a_lock_for_its_time(self) -> None:
        with mock.patch("time.time", return_value=100.0) as clock:
            first = self.backend.lock("a", 1)
            assert first is not None
            self.assertIsNone(self.backend.lock("a", 1))
            clock.return_value += 1
            second = self.backend.lock("a", 1)
            assert second is not None
            first()
            self.assertIsNone(self.backend.lock("a", 1))
            second()
            self.assertIsNotNone(self.backend.lock("a", 1))

    def test_it_always_answers(self) -> None:
        self.backend.ping()

    def test_within_uwsgi_its_own_memory_is_used(self) -> None:
        shared = OneProcess(3)
        with mock.patch.dict(sys.modules, uwsgi=shared):
            Backend(load(CacheSettings)).set("a", b"1", None)
            self.assertEqual(Backend(load(CacheSettings)).get("a"), b"1")
        self.assertIsNone(self.backend.get("a"))
