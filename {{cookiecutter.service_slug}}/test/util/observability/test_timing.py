"""Tests of @timed."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any
from unittest import mock

from main.util.observability import timed, timing
from test.case import IsolatedCase


@timed
def add(a: int, b: int = 1) -> int:
    """Add."""
    return a + b


@timed
def fail() -> None:
    raise KeyError("no")


@timed
async def add_later(a: int) -> int:
    return a + 1


@timed
def count_up() -> Iterator[int]:
    yield 1
    yield 2


class Adder:
    @timed
    def method(self) -> str:
        return "method"

    @timed
    @classmethod
    def class_method(cls) -> str:
        return cls.__name__

    @staticmethod
    @timed
    def static_method() -> str:
        return "static"


class TestTimed(IsolatedCase):
    """A timed function behaves as before, and observers get each duration."""

    def setUp(self) -> None:
        self.calls: list[tuple[str, str, float]] = []
        self.addCleanup(timing.observers.register, *timing.observers.callbacks)
        timing.observers.register(lambda *call: self.calls.append(call))

    def assert_calls(self, *names: str, outcome: str = "ok") -> None:
        """Assert that these functions of this module were called, and no others."""
        expected = [(f"{__name__}.{name}", outcome) for name in names]
        self.assertEqual([call[:2] for call in self.calls], expected)

    def test_a_function_keeps_its_result_documentation_and_signature(self) -> None:
        self.assertEqual(add(1, b=2), 3)
        self.assert_calls("add")
        self.assertEqual(add.__doc__, "Add.")
        self.assertEqual(str(inspect.signature(add)), "(a: int, b: int = 1) -> int")

    def test_methods_of_all_kinds_are_timed(self) -> None:
        self.assertEqual(Adder().method(), "method")
        self.assertEqual(Adder.class_method(), "Adder")
        self.assertEqual(Adder.static_method(), "static")
        self.assert_calls("Adder.method", "Adder.class_method", "Adder.static_method")

    def test_an_exception_passes_through_with_the_outcome_error(self) -> None:
        with self.assertRaises(KeyError):
            fail()
        self.assert_calls("fail", outcome="error")

    def test_a_coroutine_function_is_timed_until_it_returns(self) -> None:
        self.assertTrue(inspect.iscoroutinefunction(add_later))
        self.assertEqual(asyncio.run(add_later(1)), 2)
        self.assert_calls("add_later")

    def test_a_generator_is_timed_to_its_end(self) -> None:
        values = count_up()
        self.assertEqual(next(values), 1)
        self.assert_calls()
        self.assertEqual(list(values), [2])
        self.assert_calls("count_up")

    def test_a_generator_that_is_closed_early_has_not_failed(self) -> None:
        values: Any = count_up()
        next(values)
        values.close()
        self.assert_calls("count_up")

    def test_the_duration_is_in_seconds(self) -> None:
        with mock.patch.object(timing, "perf_counter", side_effect=(1.5, 4.0)):
            add(1)
        self.assertEqual(self.calls, [(f"{__name__}.add", "ok", 2.5)])

    def test_anything_but_a_function_is_a_type_error(self) -> None:
        async def asynchronous_generator() -> AsyncIterator[int]:
            yield 1

        for thing in (Adder, partial(add, 1), asynchronous_generator, 3):
            with self.subTest(thing), self.assertRaisesRegex(TypeError, "^@timed must decorate"):
                timed(thing)  # type: ignore[type-var]
