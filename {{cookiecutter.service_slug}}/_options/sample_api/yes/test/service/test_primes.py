"""Primes."""

import unittest
from unittest import mock

from main.service import primes
from main.service.primes import Number, Question, divide, examine, smallest_factor
from main.util import cache
from main.util.cache_codec import unpack
from test.store import Store


class TestPrimes(unittest.TestCase):
    """Numbers are classified by their smallest factor."""

    def setUp(self) -> None:
        smallest_factor.cache_clear()

    def test_the_smallest_factor(self) -> None:
        known = {0: None, 1: None, 2: 2, 3: 3, 4: 2, 9: 3, 91: 7, 97: 97, 7919**2: 7919}
        self.assertEqual({number: divide(number) for number in known}, known)

    def test_it_agrees_with_a_sieve(self) -> None:
        sieve = set(range(2, 1000))
        for number in range(2, 32):
            sieve -= set(range(2 * number, 1000, number))
        self.assertEqual({number for number in range(1000) if divide(number) == number}, sieve)

    def test_numbers_are_examined_in_their_order_also_twice(self) -> None:
        nine = Number(9, prime=False, factor=3)
        self.assertEqual(
            examine(Question([9, 7, 0, 9])),
            [nine, Number(7, prime=True, factor=None), Number(0, prime=False, factor=None), nine],
        )

    def test_work_that_takes_too_long_is_told(self) -> None:
        with mock.patch.object(primes, "TIMEOUT", 0.01), self.assertRaises(TimeoutError):
            examine(Question([9007199254740881]))

    def test_an_answer_is_fresh_for_an_hour(self) -> None:
        store, key = Store(), smallest_factor.cache_key(9)
        kept = cache.Cache(store, ttl=1, clock=lambda: 0)  # type: ignore[arg-type]
        with mock.patch.object(cache, "_current", kept):
            smallest_factor(9)
        entry = unpack(key, store.entries[key])
        assert entry is not None
        self.assertEqual((entry.value, entry.fresh_until), (3, 3600))
