"""Timing."""

import asyncio
import inspect
import logging
import unittest
from collections.abc import AsyncIterator, Iterator
from typing import ClassVar
from unittest import mock

from prometheus_client import REGISTRY

from main.util.timing import timed
from test.case import ServiceCase


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


@timed
async def count_up_later() -> AsyncIterator[int]:
    yield 1
    yield 2


class Adder:
    @timed
    def method(self) -> str:
        return "method"

    @timed
    @classmethod
    def of_class(cls) -> str:
        return cls.__name__

    @staticmethod
    @timed
    def static() -> str:
        return "static"


@timed(name="renamed")
def other() -> None: ...


def observed(name: str, outcome: str = "ok") -> float:
    """Return how many calls were timed under this name."""
    labels = {"callable": name, "outcome": outcome}
    return REGISTRY.get_sample_value("call_duration_seconds_count", labels) or 0.0


class TestTimed(unittest.TestCase):
    """Any kind of function can be timed, and stays what it was."""

    def assert_timed(self, name: str, outcome: str = "ok") -> None:
        """Assert that there was one call of this name since the test began."""
        self.assertEqual(observed(f"{__name__}.{name}", outcome) - self.before[name], 1)

    def setUp(self) -> None:
        names = ("add", "fail", "add_later", "count_up", "count_up_later")
        methods = ("Adder.method", "Adder.of_class", "Adder.static")
        self.before = {
            name: observed(f"{__name__}.{name}", "error" if name == "fail" else "ok")
            for name in names + methods
        }

    def test_a_function(self) -> None:
        self.assertEqual(add(1, b=2), 3)
        self.assert_timed("add")
        self.assertEqual(add.__doc__, "Add.")
        self.assertEqual(str(inspect.signature(add)), "(a: int, b: int = 1) -> int")

    def test_methods(self) -> None:
        self.assertEqual(Adder().method(), "method")
        self.assertEqual(Adder.of_class(), "Adder")
        self.assertEqual(Adder.static(), "static")
        self.assert_timed("Adder.method")
        self.assert_timed("Adder.of_class")
        self.assert_timed("Adder.static")

    def test_an_exception_passes_and_counts_as_an_error(self) -> None:
        with self.assertRaises(KeyError):
            fail()
        self.assert_timed("fail", "error")

    def test_a_coroutine(self) -> None:
        self.assertTrue(inspect.iscoroutinefunction(add_later))
        self.assertEqual(asyncio.run(add_later(1)), 2)
        self.assert_timed("add_later")

    def test_a_generator_is_timed_to_its_end(self) -> None:
        values = count_up()
        self.assertEqual(next(iter(values)), 1)
        self.assertEqual(observed(f"{__name__}.count_up"), self.before["count_up"])
        self.assertEqual(list(values), [2])
        self.assert_timed("count_up")

    def test_a_generator_that_is_left_early_has_not_failed(self) -> None:
        values = count_up()
        next(iter(values))
        values.close()  # type: ignore[attr-defined]
        self.assert_timed("count_up")

    def test_an_asynchronous_generator(self) -> None:
        async def collect() -> list[int]:
            return [value async for value in count_up_later()]

        self.assertEqual(asyncio.run(collect()), [1, 2])
        self.assert_timed("count_up_later")

    def test_a_name_can_be_given(self) -> None:
        before = observed("renamed")
        other()
        self.assertEqual(observed("renamed"), before + 1)


class TestLog(unittest.TestCase):
    """One event a call, louder for a slow one."""

    def test_a_call_is_logged_at_debug_level(self) -> None:
        with self.assertLogs("main.util.timing", "DEBUG") as logs:
            add(1)
        (record,) = logs.records
        self.assertEqual((record.levelno, record.getMessage()), (logging.DEBUG, "call.timed"))
        self.assertEqual(vars(record)["callable"], f"{__name__}.add")
        self.assertEqual(vars(record)["outcome"], "ok")
        self.assertGreaterEqual(vars(record)["seconds"], 0)

    def test_a_call_over_the_threshold_is_a_warning(self) -> None:
        @timed(threshold=2.0)
        def work() -> None: ...

        with mock.patch("main.util.timing.perf_counter", side_effect=[0.0, 1.9, 10.0, 12.0]):
            with self.assertNoLogs("main.util.timing", "WARNING"):
                work()
            with self.assertLogs("main.util.timing", "WARNING") as logs:
                work()
        self.assertEqual(vars(logs.records[0])["seconds"], 2.0)


class TestServerTiming(ServiceCase):
    """The header tells of the calls, where that was asked for."""

    environment: ClassVar[dict[str, str]] = {"APP_SERVER_TIMING": "true"}

    def test_the_header_lists_the_calls(self) -> None:
        app = self.app
        if "timed" not in app.view_functions:
            app._got_first_request = False
            app.add_url_rule("/timed", "timed", lambda: str(add(1) + add(2)))
        header = app.test_client().get("/timed").headers["Server-Timing"]
        entries = [entry.split(";dur=") for entry in header.split(", ")]
        self.assertEqual([name for name, _ in entries], ["test.util.test_timing.add"] * 2)
        for _, duration in entries:
            self.assertGreaterEqual(float(duration), 0)

    def test_without_calls_there_is_no_header(self) -> None:
        self.assertNotIn("Server-Timing", self.client.get("/livez").headers)


class TestNoServerTiming(ServiceCase):
    """By default, outsiders learn nothing of the inside."""

    def test_there_is_no_header(self) -> None:
        with self.app.test_request_context():
            self.app.preprocess_request()
            add(1)
            response = self.app.process_response(self.app.response_class())
        self.assertNotIn("Server-Timing", response.headers)
