"""`@cached`: which calls share a result."""

import math
import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from main.util.cache import cached
from test.util.cache.case import CacheCase


@cached
def module_function() -> None:
    """Return nothing."""


class TestCached(CacheCase):
    def test_a_repeated_call_is_answered_from_the_store(self) -> None:
        self.assertEqual([self.compute(1), self.compute(1), self.compute(2)], [1, 1, 2])
        self.store.commands.clear()
        self.assertEqual(self.compute(1), 1)
        self.assertEqual(self.store.commands, ["get"])
        self.assertEqual(self.outcomes, ["miss", "hit", "miss", "hit"])

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
        result = {"numbers": [1, 2]}
        compute = cached(lambda: result)
        for _ in range(3):
            compute()["numbers"].append(3)
        self.assertEqual([compute(), result], [{"numbers": [1, 2]}] * 2)

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
        price: Any = Shop.price
        price.cache_clear(Shop("a"), "tea")
        self.assertEqual([Shop("a").price("tea"), Shop("b").price("tea")], [3, 2])

    def test_a_function_that_does_not_return_its_result_is_rejected(self) -> None:
        async def coroutine() -> None: ...

        def generator() -> Iterator[int]:
            yield 1

        async def asynchronous_generator() -> AsyncIterator[int]:
            yield 1

        for function in (coroutine, generator, asynchronous_generator):
            with self.assertRaisesRegex(TypeError, f"{function.__name__} must be a function that"):
                cached(function)

    def test_an_invalid_time_is_rejected(self) -> None:
        invalid = [("ttl", 0), ("ttl", math.nan), ("stale_for", -1), ("lock_timeout", -1)]
        for times in [{name: seconds} for name, seconds in invalid]:
            with self.subTest(times), self.assertRaisesRegex(ValueError, "must be .*; got ttl="):
                cached(**times)(lambda: None)
        cached(ttl=math.inf, stale_for=0, lock_timeout=0)(lambda: None)

    def test_the_function_keeps_its_name_and_docstring(self) -> None:
        self.assertEqual(getattr(module_function, "__doc__", None), "Return nothing.")
        self.assertIn("test_decorator.module_function", module_function.cache_key())
        self.assertIn(b"module_function", pickle.dumps(module_function))

    def test_an_exception_is_not_cached_and_leaves_no_lock(self) -> None:
        self.work.error = KeyError("no")
        for _ in range(2):
            with self.assertRaises(KeyError):
                self.compute()
            self.assertEqual(self.store.locked, set())
        self.work.error = None
        self.assertEqual(self.compute(), 3)
