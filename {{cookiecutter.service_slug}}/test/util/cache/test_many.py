"""`@cached_many`: each item has an entry of its own."""

import threading
from collections.abc import Sequence
from typing import Any

from main.util.cache import cached_many
from test.util.cache.case import TIMEOUT, CacheCase, in_background


class TestCachedMany(CacheCase):
    """All items are looked up at once, and missing ones are computed at once."""

    def setUp(self) -> None:
        super().setUp()

        @cached_many(ttl=10, stale_for=10)
        def squares(numbers: Sequence[int]) -> list[int]:
            self.work(*numbers)
            return [number * number for number in numbers]

        self.squares = squares

    def test_only_missing_items_are_computed_each_once(self) -> None:
        self.assertEqual(self.squares([3, 1, 3, 2]), [9, 1, 9, 4])
        self.assertEqual(self.squares([4, 3, 5, 4]), [16, 9, 25, 16])
        self.assertEqual(self.work.calls, [(3, 1, 2), (4, 5)])
        self.assertEqual(self.outcomes, ["miss"] * 3 + ["miss", "hit", "miss"])

    def test_fresh_items_take_one_round_trip(self) -> None:
        self.squares(range(20))
        self.store.commands.clear()
        self.assertEqual(len(self.squares(range(20))), 20)
        self.assertEqual(self.store.commands, ["get_many"])

    def test_no_items_take_no_round_trip(self) -> None:
        self.assertEqual(self.squares([]), [])
        self.assertEqual(self.store.commands, [])

    def test_items_that_another_thread_computes_are_waited_for(self) -> None:
        started, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)

        @cached_many
        def squares(numbers: Sequence[int]) -> list[int]:
            self.work(*numbers)
            if 1 in numbers:
                started.set()
                go_on.wait(TIMEOUT)
            else:
                go_on.set()
            return [number * number for number in numbers]

        with in_background(squares, [1, 2]) as first:
            self.assertTrue(started.wait(TIMEOUT))
            self.assertEqual(squares([2, 3]), [4, 9])
            self.assertEqual(first.result(TIMEOUT), [1, 4])
        self.assertEqual(self.work.calls, [(1, 2), (3,)])

    def test_stale_items_replace_an_exception(self) -> None:
        self.squares([1, 2])
        self.clock.now += 15
        self.work.error = ConnectionError("down")
        with self.assertLogs("main.util.cache", "WARNING"):
            self.assertEqual(self.squares([1, 2]), [1, 4])
        with self.assertRaises(ConnectionError):
            self.squares([1, 3])

    def test_single_items_and_all_of_them_are_cleared(self) -> None:
        self.squares([1, 2, 3])
        self.squares.cache_clear(1, 2)
        self.squares([1, 2, 3])
        self.squares.cache_clear()
        self.squares([1, 2, 3])
        self.assertEqual(self.work.calls, [(1, 2, 3), (1, 2), (1, 2, 3)])

    def test_a_wrong_number_of_results_is_an_error(self) -> None:
        @cached_many
        def broken(items: Sequence[int]) -> list[int]:
            return [1]

        with self.assertRaisesRegex(ValueError, "broken must return 2 results .* got 1"):
            broken([1, 2])

    def test_a_function_that_is_not_of_many_items_is_rejected(self) -> None:
        def no_list(items: Sequence[int]) -> int:
            return 1

        def two_arguments(items: Sequence[int], more: int) -> list[int]:
            return []

        functions: list[Any] = [no_list, two_arguments]
        for function in functions:
            with self.assertRaisesRegex(TypeError, "must take one sequence of items"):
                cached_many(function)

    def test_an_unannotated_function_returns_plain_json(self) -> None:
        double: Any = cached_many(key=str)(lambda items: [item * 2 for item in items])
        self.assertEqual(double([1, "a"]), [2, "aa"])
