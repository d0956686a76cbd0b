"""`@cached`: which calls share a result, and which functions are rejected."""

import math
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from main.util.cache import cached
from test.util.cache.case import CacheCase


class TestCalls(CacheCase):
    """A call is computed once."""

    def test_a_repeated_call_is_answered_from_the_store(self) -> None:
        @cached()
        def compute(a: int) -> int:
            return self.work(a)

        self.assertEqual([compute(1), compute(1), compute(2)], [1, 1, 2])
        self.store.commands.clear()
        self.assertEqual(compute(1), 1)
        self.assertEqual(self.store.commands, ["get"])
        self.assertEqual(self.outcomes, ["miss", "hit", "miss", "hit"])

    def test_the_decorator_needs_no_parentheses(self) -> None:
        @cached
        def compute(a: int) -> int:
            return self.work(a)

        self.assertEqual([compute(1), compute(1)], [1, 1])

    def test_the_way_in_which_arguments_are_passed_does_not_matter(self) -> None:
        @cached
        def compute(a: int, b: int = 2, *rest: int, c: int = 3, **more: int) -> int:
            return self.work(a, b, rest, c, more)

        same_calls: list[tuple[Callable[[], int], ...]] = [
            (lambda: compute(1), lambda: compute(1, 2), lambda: compute(a=1, b=2, c=3)),
            (lambda: compute(1, 2, 3, x=1, y=2), lambda: compute(1, 2, 3, y=2, x=1)),
            (lambda: compute(1, 2, 3, 4, 5), lambda: compute(1, 2, 3, 4, 5, c=3)),
            (lambda: compute(1, 2, 3, c=4),),
        ]
        for number, calls in enumerate(same_calls, start=1):
            self.assertEqual([call() for call in calls], [number] * len(calls))

    def test_false_results_are_cached(self) -> None:
        results: list[Any] = [None, 0, False, "", [], {}]

        @cached
        def compute(index: int) -> Any:
            self.work()
            return results[index]

        for index, result in enumerate(results):
            self.assertEqual([compute(index), compute(index)], [result, result])
        self.assertEqual(len(self.work.calls), len(results))

    def test_every_caller_gets_a_copy(self) -> None:
        @cached
        def compute() -> dict[str, list[int]]:
            return {"numbers": [1, 2]}

        for _ in range(3):
            compute()["numbers"].append(3)
            self.assertEqual(compute(), {"numbers": [1, 2]})

    def test_a_key_function_identifies_the_instance_of_a_method(self) -> None:
        work = self.work

        class Shop:
            def __init__(self, name: str) -> None:
                self.name = name

            @cached(key=lambda self, item: (self.name, item))
            def price(self, item: str) -> int:
                return work(self.name, item)

        self.assertEqual([Shop("a").price("tea"), Shop("a").price("tea")], [1, 1])
        self.assertEqual(Shop("b").price("tea"), 2)

    def test_the_function_keeps_its_name_and_docstring(self) -> None:
        @cached
        def compute() -> None:
            """Compute."""

        self.assertEqual(getattr(compute, "__doc__", None), "Compute.")
        self.assertIn("compute", compute.cache_key())

    def test_an_exception_is_not_cached(self) -> None:
        @cached
        def compute() -> int:
            return self.work()

        self.work.error = KeyError("no")
        for _ in range(2):
            with self.assertRaises(KeyError):
                compute()
        self.work.error = None
        self.assertEqual(compute(), 3)


class TestRejectedFunctions(CacheCase):
    """Errors of use are raised when a function is decorated."""

    def test_a_function_that_does_not_return_its_result_is_rejected(self) -> None:
        async def coroutine() -> int:
            return 1

        def generator() -> Iterator[int]:
            yield 1

        async def async_generator() -> AsyncIterator[int]:
            yield 1

        functions: list[Any] = [coroutine, generator, async_generator, staticmethod(len), int, 60]
        for function in functions:
            with self.subTest(function), self.assertRaisesRegex(TypeError, "only functions that"):
                cached(function)

    def test_an_invalid_number_of_seconds_is_rejected(self) -> None:
        def compute() -> None:
            """Return nothing."""

        for ttl in (0, -1, math.nan):
            with self.assertRaisesRegex(ValueError, f"^ttl must be more than 0 .* got {ttl}"):
                cached(ttl=ttl)(compute)
        with self.assertRaisesRegex(ValueError, "^stale_for must be 0 or more seconds; got -1"):
            cached(stale_for=-1)(compute)
        with self.assertRaisesRegex(ValueError, "^lock_timeout must be 0 or more seconds"):
            cached(lock_timeout=math.nan)(compute)
