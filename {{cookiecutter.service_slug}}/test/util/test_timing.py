"""Timing."""

import asyncio
import inspect
import logging
import os
import re
import unittest
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar
from unittest import mock

from prometheus_client import REGISTRY

from main.util import logs, timing
from main.util.concurrency import thread_map
from main.util.timing import TimingSettings, timed
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


@timed
async def echo_later() -> AsyncGenerator[str, str]:
    said = ""
    while True:
        try:
            said = yield said
        except KeyError as error:
            said = type(error).__name__


@timed
def outer() -> None:
    add(1)
    with suppress(KeyError):
        fail()


@timed
def add_up() -> int:
    return add(1, 2)


@timed
def fan_out() -> list[int]:
    return thread_map(add, [1])


@timed
async def outer_later() -> int:
    return add(1, 2)


async def outer_and_more() -> int:
    return await outer_later() + add(3)


async def collect() -> list[int]:
    return [add(value) async for value in count_up_later()]


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
        self.assertEqual(asyncio.run(collect()), [2, 3])
        self.assert_timed("count_up_later")

    def test_an_asynchronous_generator_can_be_talked_to(self) -> None:
        async def talk() -> list[str]:
            answers = echo_later()
            said = [await anext(answers), await answers.asend("a"), await answers.athrow(KeyError)]
            await answers.aclose()
            return said

        self.assertEqual(asyncio.run(talk()), ["", "a", "KeyError"])
        self.assertEqual(observed(f"{__name__}.echo_later"), 1)

    def test_each_keeps_its_name(self) -> None:
        functions = {"add_later": add_later, "count_up": count_up, "count_up_later": count_up_later}
        for name, function in functions.items():
            self.assertEqual(function.__name__, name)

    def test_a_name_can_be_given(self) -> None:
        before = observed("renamed")
        other()
        self.assertEqual(observed("renamed"), before + 1)

    def test_what_is_no_function_is_refused(self) -> None:
        for thing in (Adder, partial(add, 1), 3):
            with self.subTest(thing), self.assertRaisesRegex(TypeError, "^@timed is for functions"):
                timed(thing)  # type: ignore[type-var]


class TestLog(unittest.TestCase):
    """One event a call, louder for a slow one."""

    def test_a_call_is_logged_at_debug_level(self) -> None:
        with self.assertLogs("main.util.timing", "DEBUG") as caught:
            add(1)
        (record,) = caught.records
        self.assertEqual((record.levelno, record.getMessage()), (logging.DEBUG, "call.timed"))
        self.assertEqual(vars(record)["callable"], f"{__name__}.add")
        self.assertEqual(vars(record)["outcome"], "ok")
        self.assertGreaterEqual(vars(record)["seconds"], 0)

    def test_it_tells_how_long(self) -> None:
        calls: list[Callable[[], Any]] = [
            lambda: add(1),
            fail,
            lambda: asyncio.run(add_later(1)),
            lambda: list(count_up()),
        ]
        for call in calls:
            for end, seconds in ((4.0, 2.5), (1.5000014, 0.000001)):
                with (
                    self.subTest(seconds=seconds),
                    mock.patch("main.util.timing.perf_counter", side_effect=(1.5, end)),
                    self.assertLogs("main.util.timing", "DEBUG") as caught,
                    suppress(KeyError),
                ):
                    call()
                self.assertEqual([vars(record)["seconds"] for record in caught.records], [seconds])

    def test_a_call_over_the_threshold_is_a_warning(self) -> None:
        @timed(threshold=2.0)
        def work() -> None: ...

        with mock.patch("main.util.timing.perf_counter", side_effect=[0.0, 1.9, 10.0, 12.0]):
            with self.assertNoLogs("main.util.timing", "WARNING"):
                work()
            with self.assertLogs("main.util.timing", "WARNING") as caught:
                work()
        self.assertEqual(vars(caught.records[0])["seconds"], 2.0)

    def assert_logged(self, function: Callable[[], Any], *calls: tuple[str, str | None]) -> None:
        """Assert that these calls are logged, each with its parent."""
        with self.assertLogs("main.util.timing", "DEBUG") as caught:
            function()
        told = [(vars(record)["callable"], vars(record).get("parent")) for record in caught.records]
        wanted = [
            (f"{__name__}.{name}", parent and f"{__name__}.{parent}") for name, parent in calls
        ]
        self.assertEqual(told, wanted)

    def test_a_call_within_a_call_names_its_parent(self) -> None:
        self.assert_logged(outer, ("add", "outer"), ("fail", "outer"), ("outer", None))
        self.assert_logged(add_up, ("add", "add_up"), ("add_up", None))
        self.assert_logged(
            lambda: asyncio.run(outer_and_more()),
            ("add", "outer_later"),
            ("outer_later", None),
            ("add", None),
        )

    def test_a_thread_of_a_map_belongs_to_its_caller(self) -> None:
        self.assert_logged(fan_out, ("add", "fan_out"), ("fan_out", None))

    def test_what_consumes_a_generator_is_no_child_of_it(self) -> None:
        self.assert_logged(
            lambda: [add(value) for value in count_up()],
            ("add", None),
            ("add", None),
            ("count_up", None),
        )
        self.assert_logged(
            lambda: asyncio.run(collect()), ("add", None), ("add", None), ("count_up_later", None)
        )

    def test_requests_are_sampled_as_a_whole(self) -> None:
        timing.configure(TimingSettings(sample="0.5"))  # type: ignore[call-arg]
        self.addCleanup(timing.configure, TimingSettings())
        sampled = 0
        for number in range(200):
            token = logs.request_id.set(f"request-{number}")
            with self.assertLogs("main.util.timing", "DEBUG") as caught:
                logging.getLogger("main.util.timing").debug("so that there is one")
                add(1)
                add(2)
            logs.request_id.reset(token)
            self.assertIn(len(caught.records), (1, 3))
            sampled += len(caught.records) == 3
        self.assertTrue(60 < sampled < 140, sampled)

    def test_a_slow_call_is_logged_whatever_the_sample(self) -> None:
        @timed(threshold=0)
        def work() -> None: ...

        timing.configure(TimingSettings(sample="0"))  # type: ignore[call-arg]
        self.addCleanup(timing.configure, TimingSettings())
        with self.assertLogs("main.util.timing", "WARNING"):
            work()
        with self.assertNoLogs("main.util.timing", "DEBUG"):
            add(1)

    def test_without_an_application_the_environment_says(self) -> None:
        with (
            mock.patch.object(timing, "_settings", None),
            mock.patch.dict(os.environ, APP_TIMED_SAMPLE="0.25"),
        ):
            self.assertEqual(timing.current().sample, 0.25)


class TestServerTiming(ServiceCase):
    """The header tells of the calls, where that was asked for."""

    environment: ClassVar[dict[str, str]] = {"APP_SERVER_TIMING": "true"}

    def header(self, view: Callable[[], Any]) -> str:
        """Return the header of an answer for which this was called."""
        with self.app.test_request_context():
            self.app.preprocess_request()
            view()
            response = self.app.process_response(self.app.response_class())
        return response.headers["Server-Timing"]

    def entries(self, view: Callable[[], Any]) -> str:
        """Return it without the times."""
        return re.sub(r"dur=\d+\.\d{3}", "dur=N", self.header(view))

    def test_the_header_lists_the_calls(self) -> None:
        name = "test.util.test_timing"
        self.assertEqual(self.entries(lambda: add(1)), f"{name}.add;dur=N")
        self.assertEqual(
            self.entries(lambda: add(1) + add(2)), f'{name}.add;dur=N;desc="{name}.add, 2 calls"'
        )

    def test_their_milliseconds_are_added_up(self) -> None:
        times = (1.5, 1.75, 2.0, 2.5)
        with mock.patch("main.util.timing.perf_counter", side_effect=times):
            self.assertIn(";dur=750.000;", self.header(lambda: add(1) + add(2)))

    def test_the_header_tells_nested_calls_apart(self) -> None:
        name = "test.util.test_timing"
        self.assertEqual(
            self.entries(lambda: add(1) + add_up()),
            f'{name}.add;dur=N, {name}.add;dur=N;desc="{name}.add_up > {name}.add", '
            f"{name}.add_up;dur=N",
        )

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
