"""Cache: what `@cached` promises, whatever the store."""

import threading
import unittest
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

from prometheus_client import REGISTRY

from main.util import cache
from main.util.cache import cached
from main.util.cache_backend import Backend, CacheSettings
from main.util.config import load

PATIENCE = 10.0


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Recorder:
    """A function's stand-in that counts its calls, and fails when told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.error: Exception | None = None

    def __call__(self, *call: Any) -> int:
        self.calls.append(call)
        if self.error is not None:
            raise self.error
        return len(self.calls)


class CacheCase(unittest.TestCase):
    """A test with a cache of its own, on the chosen store, and with a clock."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.cache = cache.Cache(
            Backend(load(CacheSettings)), prefix="test:", ttl=300, clock=self.clock
        )
        patch = mock.patch.object(cache, "_current", self.cache)
        patch.start()
        self.addCleanup(patch.stop)
        self.addCleanup(cache.clear)
        self.work = Recorder()

    def assert_outcomes(self, function: Callable[..., Any], *outcomes: str) -> None:
        """Assert that the counters tell of these outcomes, and of no more."""
        name = f"{function.__module__}.{function.__qualname__}"
        for outcome in ("hit", "miss", "stale", "error", "bypass"):
            labels = {"callable": name, "outcome": outcome}
            counted = REGISTRY.get_sample_value("cache_calls_total", labels)
            self.assertEqual(counted, outcomes.count(outcome), outcome)


class TestCalls(CacheCase):
    """The same call is made once."""

    def test_a_call_is_made_once(self) -> None:
        @cached()
        def once(a: int) -> int:
            return self.work(a)

        self.assertEqual([once(1), once(1), once(2), once(1)], [1, 1, 2, 1])
        self.assert_outcomes(once, "miss", "hit", "miss", "hit")

    def test_ways_to_write_the_same_call_are_the_same(self) -> None:
        @cached()
        def spelt(a: int, b: int = 2, *rest: int, c: int = 3, **more: int) -> int:
            return self.work(a, b, rest, c, more)

        spelt(1)
        spelt(1, 2)
        spelt(a=1, b=2, c=3)
        self.assertEqual(len(self.work.calls), 1)
        spelt(1, 2, 3, x=1, y=2)
        spelt(1, 2, 3, y=2, x=1)
        self.assertEqual(len(self.work.calls), 2)
        spelt(1, 2, 3, c=4)
        self.assertEqual(len(self.work.calls), 3)

    def test_different_calls_are_different(self) -> None:
        @cached()
        def different(a: Any) -> int:
            return self.work(a)

        values: list[Any] = [
            0,
            0.0,
            False,
            None,
            "",
            "0",
            [],
            {},
            [[]],
            "ä",
            "a" * 5000,
            {"a": 1},
            ["a", 1],
        ]
        results = [different(value) for value in values]
        self.assertEqual(results, list(range(1, len(values) + 1)))

    def test_falsy_results_are_kept(self) -> None:
        results: list[Any] = [None, 0, False, "", [], {}]
        for result in results:

            @cached()
            def falsy(kind: str, result: Any = result) -> Any:
                self.work()
                return result

            with self.subTest(result):
                before = len(self.work.calls)
                self.assertEqual([falsy("x"), falsy("x")], [result, result])
                self.assertEqual(len(self.work.calls), before + 1)

    def test_nobody_can_change_what_the_next_one_gets(self) -> None:
        @cached()
        def mutable() -> dict[str, list[int]]:
            return {"numbers": [1, 2]}

        for _ in range(3):
            self.assertEqual(mutable(), {"numbers": [1, 2]})
            mutable()["numbers"].append(3)

    def test_a_method_says_what_of_itself_counts(self) -> None:
        work = self.work

        class Shop:
            def __init__(self, name: str) -> None:
                self.name = name

            @cached(key=lambda self, item: [self.name, item])
            def price(self, item: str) -> int:
                return work(self.name, item)

        self.assertEqual([Shop("a").price("tea"), Shop("a").price("tea")], [1, 1])
        self.assertEqual(Shop("b").price("tea"), 2)

    def test_a_function_keeps_its_face(self) -> None:
        @cached()
        def documented() -> None:
            """Say what it does."""

        self.assertEqual(documented.__doc__, "Say what it does.")
        self.assertIn("documented", documented.cache_key())

    def test_an_exception_is_not_kept(self) -> None:
        @cached()
        def failing() -> int:
            return self.work()

        self.work.error = KeyError("no")
        for _ in range(2):
            with self.assertRaises(KeyError):
                failing()
        self.work.error = None
        self.assertEqual(failing(), 3)


class TestLimits(CacheCase):
    """What cannot be kept truly is refused, by name."""

    def test_arguments(self) -> None:
        @cached()
        def picky(a: Any) -> None:
            self.work(a)

        for value in ((1, 2), {1: 2}, {1}, object(), b"x", float("nan"), "\ud800"):
            with (
                self.subTest(repr(value)),
                self.assertRaisesRegex(TypeError, rf"{__name__}.*picky: its arguments .* JSON"),
            ):
                picky(value)
        self.assertEqual(self.work.calls, [])

    def test_results(self) -> None:
        values: list[Any] = [(1, 2), {1: 2}, {1}, object(), b"x"]

        @cached()
        def odd(index: int) -> Any:
            return values[index]

        for index, value in enumerate(values):
            kind = type(value).__name__
            with (
                self.subTest(kind),
                self.assertRaisesRegex(
                    TypeError, rf"odd: its result \({kind}\) would not come back from JSON"
                ),
            ):
                odd(index)

    def test_times(self) -> None:
        for ttl in (0, -1, float("nan")):
            with self.subTest(ttl), self.assertRaisesRegex(ValueError, "ttl must be a positive"):
                cached(ttl=ttl)
        with self.assertRaisesRegex(ValueError, "stale must be"):
            cached(stale=-1)


class TestTime(CacheCase):
    """Results grow stale, and are renewed."""

    def test_a_result_is_fresh_for_its_ttl(self) -> None:
        @cached(ttl=0.5, stale=0)
        def brief() -> int:
            return self.work()

        self.assertEqual(brief(), 1)
        self.clock.now += 0.4
        self.assertEqual(brief(), 1)
        self.clock.now += 0.1
        self.assertEqual(brief(), 2)

    def test_the_setting_is_the_default(self) -> None:
        @cached()
        def usual() -> int:
            return self.work()

        usual()
        self.clock.now += 299
        self.assertEqual(usual(), 1)
        self.clock.now += 1
        self.assertEqual(usual(), 2)

    def test_none_is_for_ever(self) -> None:
        @cached(ttl=None)
        def eternal() -> int:
            return self.work()

        eternal()
        self.clock.now += 1e9
        self.assertEqual(eternal(), 1)

    def test_a_stale_result_serves_while_one_caller_renews_it(self) -> None:
        begun, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)

        @cached(ttl=1, stale=60)
        def slow() -> int:
            result = self.work()
            if result > 1:
                begun.set()
                go_on.wait(PATIENCE)
            return result

        slow()
        self.clock.now += 2
        with ThreadPoolExecutor(1) as pool:
            renewal = pool.submit(slow)
            self.assertTrue(begun.wait(PATIENCE))
            self.assertEqual(slow(), 1)
            go_on.set()
            self.assertEqual(renewal.result(PATIENCE), 2)
        self.assertEqual(slow(), 2)
        self.assert_outcomes(slow, "miss", "stale", "miss", "hit")

    def test_a_stale_result_is_better_than_an_exception(self) -> None:
        @cached(ttl=1, stale=60)
        def fragile() -> int:
            return self.work()

        fragile()
        self.clock.now += 2
        self.work.error = ConnectionError("down")
        with self.assertLogs("main.util.cache", "WARNING") as logs:
            self.assertEqual(fragile(), 1)
        self.assertEqual(logs.records[0].getMessage(), "cache.stale")
        self.assert_outcomes(fragile, "miss", "stale")


class TestTogether(CacheCase):
    """Who wants the same at the same time waits for one call."""

    def together(self, function: Callable[[], Any], count: int = 8) -> list[Any]:
        """Call the function on that many threads at once."""
        barrier = threading.Barrier(count)

        def call(_: int) -> Any:
            barrier.wait(PATIENCE)
            return function()

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(call, range(count)))

    def test_a_cold_key_is_computed_once(self) -> None:
        for _ in range(20):
            cache.clear()
            self.work.calls.clear()

            @cached()
            def cold() -> list[int]:
                return [self.work()]

            results = self.together(cold)
            self.assertEqual(results, [[1]] * 8)
            self.assertEqual(len({id(result) for result in results}), 8)

    def test_an_exception_reaches_all_who_waited(self) -> None:
        inside = threading.Event()

        @cached()
        def cold() -> int:
            inside.wait(0.05)
            raise KeyError("no")

        def outcome() -> str:
            try:
                return str(cold())
            except KeyError:
                return "error"

        self.assertEqual(self.together(outcome), ["error"] * 8)

    def test_different_keys_do_not_wait_for_each_other(self) -> None:
        barrier = threading.Barrier(2)

        @cached()
        def meet(_: int) -> bool:
            barrier.wait(PATIENCE)
            return True

        with ThreadPoolExecutor(2) as pool:
            self.assertEqual(list(pool.map(meet, (1, 2))), [True, True])

    def test_a_function_that_calls_itself_does_not_wait_for_itself(self) -> None:
        depth = iter((1, 0))

        @cached()
        def recursive() -> int:
            return recursive() + 1 if next(depth) else 0

        self.assertEqual(recursive(), 1)

    def test_who_takes_the_lead_late_finds_what_was_stored(self) -> None:
        @cached()
        def value() -> int:
            return self.work()

        value()
        found = self.cache.backend.get(value.cache_key())
        with mock.patch.object(self.cache.backend, "get", side_effect=[None, found]):
            self.assertEqual(value(), 1)
        self.assertEqual(len(self.work.calls), 1)


class TestClearing(CacheCase):
    """Results can be forgotten."""

    def test_one_call_one_function_and_everything(self) -> None:
        @cached()
        def first(a: int) -> int:
            return self.work(a)

        @cached()
        def second(a: int) -> int:
            return self.work(a)

        def fill() -> list[int]:
            return [first(1), first(2), second(1)]

        self.assertEqual(fill(), [1, 2, 3])
        first.cache_clear(a=1)
        self.assertEqual(fill(), [4, 2, 3])
        first.cache_clear()
        self.assertEqual(fill(), [5, 6, 3])
        cache.clear()
        self.assertEqual(fill(), [7, 8, 9])


class Broken:
    """A store that fails."""

    def __init__(self) -> None:
        self.asked = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def fail(*_: Any) -> Any:
            self.asked += 1
            raise ConnectionError(name)

        return fail


class TestBrokenStore(CacheCase):
    """A store that fails makes the service slower, and nothing else."""

    def test_no_call_fails_and_the_store_is_left_alone_for_a_while(self) -> None:
        broken = Broken()

        @cached()
        def brave() -> int:
            return self.work()

        with (
            mock.patch.object(self.cache, "backend", broken),
            mock.patch("time.monotonic", return_value=100.0) as monotonic,
        ):
            with self.assertLogs("main.util.cache", "WARNING") as logs:
                self.assertEqual(brave(), 1)
            self.assertEqual([record.getMessage() for record in logs.records], ["cache.down"])
            self.assertEqual([brave(), brave(), broken.asked], [2, 3, 1])
            monotonic.return_value += cache.COOL_DOWN
            with self.assertLogs("main.util.cache", "WARNING"):
                self.assertEqual(brave(), 4)
        self.assert_outcomes(brave, "error", "bypass", "bypass", "error")

    def test_a_store_that_takes_nothing_in(self) -> None:
        @cached()
        def unkept() -> int:
            return self.work()

        failure = mock.patch.object(self.cache.backend, "set", side_effect=OSError("full"))
        with failure, self.assertLogs("main.util.cache", "WARNING"):
            self.assertEqual(unkept(), 1)

    def test_garbage_is_a_miss(self) -> None:
        @cached()
        def robust() -> int:
            return self.work()

        for garbage in (b"", b"{", b"\xff\xfe", b"[1]", b"null", b'["x", 1]', b"[1,2,3"):
            self.cache.backend.set(robust.cache_key(), garbage, 60)
            with self.subTest(garbage), self.assertLogs("main.util.cache", "WARNING") as logs:
                self.assertEqual(robust(), len(self.work.calls))
            self.assertEqual(logs.records[0].getMessage(), "cache.garbage")


class TestCurrent(unittest.TestCase):
    """A process without an application has a cache, too."""

    def test_it_is_made_from_the_environment(self) -> None:
        with mock.patch.object(cache, "_current", None):
            self.assertEqual(cache.current().ttl, 300)
            self.assertIs(cache.current(), cache.current())
