"""`@cached_many`: each item has an entry of its own."""

from collections.abc import Sequence

from main.util.cache import cached_many
from test.util.cache.case import CacheCase


class TestCachedMany(CacheCase):
    def setUp(self) -> None:
        super().setUp()

        @cached_many(ttl=10, stale_for=10)
        def squares(numbers: Sequence[int]) -> list[int]:
            self.work(*numbers)
            return [number * number for number in numbers if number >= 0]

        self.squares = squares

    def test_only_missing_items_are_computed_each_once(self) -> None:
        self.assertEqual(self.squares([3, 1, 3, 2]), [9, 1, 9, 4])
        self.assertEqual(self.squares([4, 3, 5, 4]), [16, 9, 25, 16])
        self.assertEqual(self.work.calls, [(3, 1, 2), (4, 5)])
        self.assertEqual(self.outcomes, ["miss"] * 3 + ["miss", "hit", "miss"])

    def test_two_items_are_not_locked_and_fresh_ones_take_one_round_trip(self) -> None:
        self.squares([1, 2])
        self.assertEqual(self.store.commands, ["get_many", "get_many", "set", "set"])
        self.store.commands.clear()
        self.assertEqual(self.squares([1, 2]), [1, 4])
        self.assertEqual(self.store.commands, ["get_many"])

    def test_items_that_another_thread_computes_are_waited_for(self) -> None:
        with self.in_background(self.squares, [1, 2]) as first:
            self.work.may_end.set()
            self.assertEqual(self.squares([2, 3]), [4, 9])
        self.assertEqual(first.result(), [1, 4])
        self.assertIn(self.work.calls[1:], [[(3,)], []])

    def test_stale_items_replace_an_exception(self) -> None:
        self.squares([1, 2])
        self.clock.now += 15
        self.work.error = ConnectionError("down")
        with self.assertLogs("main.util.cache", "WARNING"):
            self.assertEqual(self.squares([1, 2]), [1, 4])
        with self.assertRaises(ConnectionError):
            self.squares([1, 3])

    def test_one_item_is_cleared(self) -> None:
        self.squares([1, 2])
        self.squares.cache_clear(1)
        self.squares([1, 2])
        self.assertEqual(self.work.calls, [(1, 2), (1,)])

    def test_a_failing_store_is_an_error_for_each_item(self) -> None:
        self.store.error = ConnectionError("gone")
        with self.assertLogs("main.util.cache", "WARNING"):
            self.assertEqual(self.squares([1, 2]), [1, 4])
        self.assertEqual(self.outcomes, ["error", "error"])

    def test_a_wrong_number_of_results_is_an_error_and_not_stored(self) -> None:
        for _ in range(2):
            with self.assertRaises(ValueError):
                self.squares([1, -2])
        self.assertEqual(self.store.entries, {})

    def test_a_function_that_does_not_return_a_list_is_rejected(self) -> None:
        def no_list(items: Sequence[int]) -> int:
            return 1

        with self.assertRaisesRegex(TypeError, "no_list must be annotated to return a list"):
            cached_many()(no_list)  # type: ignore[arg-type]
