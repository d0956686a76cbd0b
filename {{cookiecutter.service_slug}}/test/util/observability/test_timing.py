import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Iterator
from unittest import mock

from main.util.config import Scope
from main.util.context import current_request_id
from main.util.observability import ObservabilitySettings, timed, timing
from test.case import IsolatedCase

LOGGER = "main.util.observability.timing"


@timed
def add(a: int, b: int = 1) -> int:
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

    @timed
    @staticmethod
    def static_method() -> str:
        return "static"


class TestTimed(IsolatedCase):
    def setUp(self) -> None:
        self.calls: list[tuple[str, str, float]] = []
        patch = mock.patch.object(timing, "observers", [lambda *call: self.calls.append(call)])
        patch.start()
        self.addCleanup(patch.stop)

    def assert_calls(self, *names: str, outcome: str = "ok") -> None:
        """Assert that these functions of this module were called, and no others."""
        expected = [(f"{__name__}.{name}", outcome) for name in names]
        self.assertEqual([call[:2] for call in self.calls], expected)

    def test_a_function_keeps_its_name_result_and_signature(self) -> None:
        names = [function.__name__ for function in (add, add_later, count_up)]
        self.assertEqual(names, ["add", "add_later", "count_up"])
        self.assertEqual(add(1, b=2), 3)
        self.assert_calls("add")
        self.assertEqual(str(inspect.signature(add)), "(a: int, b: int = 1) -> int")

    def test_methods_of_all_kinds_are_timed(self) -> None:
        results = (Adder().method(), Adder.class_method(), Adder().static_method())
        self.assertEqual(results, ("method", "Adder", "static"))
        self.assert_calls("Adder.method", "Adder.class_method", "Adder.static_method")

    def test_an_exception_passes_through_with_the_outcome_error(self) -> None:
        with self.assertRaises(KeyError):
            fail()
        self.assert_calls("fail", outcome="error")

    def test_a_coroutine_function_is_timed_until_it_returns(self) -> None:
        self.assertTrue(inspect.iscoroutinefunction(add_later))
        self.assertEqual(asyncio.run(add_later(1)), 2)
        self.assert_calls("add_later")

    def test_a_generator_is_timed_until_it_ends_or_is_closed(self) -> None:
        for end in (list, lambda values: values.close()):
            self.calls.clear()
            values = count_up()
            self.assertEqual(next(values), 1)
            self.assert_calls()
            end(values)
            self.assert_calls("count_up")

    def test_an_asynchronous_generator_function_is_a_type_error(self) -> None:
        async def generate() -> AsyncIterator[int]:
            yield 1

        with self.assertRaisesRegex(TypeError, "^@timed cannot time an asynchronous generator"):
            timed(generate)


class TestLogCall(IsolatedCase):
    def test_a_call_is_logged_at_level_debug_with_its_seconds(self) -> None:
        times = mock.patch.object(timing, "perf_counter", side_effect=(1.5, 4.0000014))
        with times, self.assertLogs(LOGGER, "DEBUG") as caught:
            add(1)
        (record,) = caught.records
        self.assertEqual((record.levelno, record.getMessage()), (logging.DEBUG, "call.timed"))
        fields = {"callable": f"{__name__}.add", "outcome": "ok", "seconds": 2.500001}
        self.assertLessEqual(fields.items(), vars(record).items())

    def test_all_calls_of_a_request_are_logged_or_none(self) -> None:
        for share, lowest, highest in ((0, 0, 0), (0.5, 60, 140), (1, 200, 200)):
            Scope(ObservabilitySettings(timed_sample=share)).activate()
            sampled = 0
            for number in range(200):
                current_request_id.set(f"request-{number}" if number else None)
                with self.assertLogs(LOGGER, "DEBUG") as caught:
                    logging.getLogger(LOGGER).debug("assertLogs requires one event")
                    add(1)
                    add(2)
                self.assertIn(len(caught.records), (1, 3))
                sampled += len(caught.records) == 3
            self.assertTrue(lowest <= sampled <= highest, (share, sampled))
