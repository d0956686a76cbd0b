"""Primes."""

from unittest import mock

from main.service import primes
from main.service.primes import (
    ClassifiedNumber,
    PrimesRequest,
    classify,
    smallest_factor,
    smallest_factors,
)
from main.util.cache import create_cache
from main.util.cache.cache import Cache
from main.util.config import current_scope
from test.case import IsolatedCase
from test.store import InMemoryStore

# It takes seconds to find out that this is a prime.
LARGE_PRIME = 9007199254740881


class TestPrimes(IsolatedCase):
    """Numbers are classified by their smallest factor."""

    def setUp(self) -> None:
        self.store = InMemoryStore()
        current_scope().put(create_cache, Cache(self.store, ttl=1, clock=lambda: 0))

    def test_the_smallest_factor_is_found(self) -> None:
        known = {0: None, 1: None, 2: 2, 3: 3, 4: 2, 9: 3, 91: 7, 97: 97, 7919**2: 7919}
        self.assertEqual({number: smallest_factor(number) for number in known}, known)

    def test_primes_agree_with_a_sieve(self) -> None:
        sieve = set(range(2, 1000))
        for number in range(2, 32):
            sieve -= set(range(2 * number, 1000, number))
        self.assertEqual({n for n in range(1000) if smallest_factor(n) == n}, sieve)

    def test_numbers_are_classified_in_their_order(self) -> None:
        nine = ClassifiedNumber(9, prime=False, factor=3)
        self.assertEqual(
            classify(PrimesRequest([9, 7, 0, 9])),
            [
                nine,
                ClassifiedNumber(7, prime=True, factor=None),
                ClassifiedNumber(0, prime=False, factor=None),
                nine,
            ],
        )

    def test_known_numbers_are_not_computed_again(self) -> None:
        smallest_factors([9, 7])
        with mock.patch.object(primes, "process_map", return_value=[2]) as process_map:
            self.assertEqual(smallest_factors([7, 4, 9]), [7, 2, 3])
        self.assertEqual(process_map.call_args.args[1], [4])

    def test_numbers_that_take_too_long_raise_timeout_error(self) -> None:
        with mock.patch.object(primes, "TIMEOUT", 0.01), self.assertRaises(TimeoutError):
            classify(PrimesRequest([LARGE_PRIME]))

    def test_a_factor_is_fresh_for_an_hour(self) -> None:
        smallest_factors([9])
        self.assertEqual(self.store.expiries[smallest_factors.cache_key(9)], 3600 + 60)
