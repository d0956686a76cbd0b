"""Cache: what `@cached` promises, whatever the store."""

import contextlib
import os
import threading
import time
import unittest
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

from prometheus_client import REGISTRY

from main.util import cache
from main.util.cache import cached
from main.util.cache_codec import Entry, pack
from test.store import Store

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
    """A test with a cache and a store of its own, and with a clock."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.store = Store()
        self.cache = self.process()
        patch = mock.patch.object(cache, "_current", self.cache)
        patch.start()
        self.addCleanup(patch.stop)
        self.work = Recorder()

    def process(self) -> cache.Cache:
        """Return the cache of a process that has the same store."""
        return cache.Cache(self.store, ttl=300, clock=self.clock)  # type: ignore[arg-type]

    def elsewhere(self, function: Callable[[], Any]) -> Any:
        """Call the function as if in another process."""
        with mock.patch.object(cache, "_current", self.process()):
            return function()

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

        self.assertEqual([once(1), once(1), once(2)], [1, 1, 2])
        self.store.asked = 0
        self.assertEqual([once(1), self.store.asked], [1, 1])
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
        spelt(1, 2, 3, 4, 5)
        spelt(1, 2, 3, 4, 5, c=3)
        self.assertEqual(len(self.work.calls), 4)

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

        self.assert_refused(picky, (1, 2), {1: 2}, {1}, object(), b"x", float("nan"), "\ud800")
        self.assertEqual(self.work.calls, [])
        with self.assertRaisesRegex(TypeError, "type tuple"):
            picky([{"a": [1, (2,)]}])

    def test_arguments_by_name(self) -> None:
        @cached()
        def picky(*_: Any, **more: Any) -> None:
            """Take anything."""

        with self.assertRaisesRegex(TypeError, "type set"):
            picky(1, more={1})

    def assert_refused(self, picky: Callable[[Any], None], *values: Any) -> None:
        """Assert that each of these arguments is refused by its type."""
        for value in values:
            with (
                self.subTest(repr(value)),
                self.assertRaisesRegex(
                    TypeError,
                    rf"{__name__}.*picky cannot be cached by its arguments: JSON .*"
                    rf" {type(value).__name__} ",
                ),
            ):
                picky(value)

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
                    TypeError, rf"odd cannot be cached by its result: JSON .* type {kind} "
                ),
            ):
                odd(index)

    def test_times(self) -> None:
        for ttl in (0, -1, float("nan")):
            with self.subTest(ttl), self.assertRaisesRegex(ValueError, "ttl must be a positive"):
                cached(ttl=ttl)
        with self.assertRaisesRegex(ValueError, "stale must be"):
            cached(stale=-1)
        with self.assertRaisesRegex(ValueError, "wait must be"):
            cached(wait=-1)


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

    def test_a_result_can_be_too_old_to_serve(self) -> None:
        @cached(ttl=1, stale=2)
        def old() -> int:
            return self.work()

        old()
        self.work.error = ConnectionError("down")
        for seconds in (3, 1):
            self.clock.now += seconds
            with self.assertRaises(ConnectionError):
                old()

    def test_it_may_serve_for_a_minute_unless_told_otherwise(self) -> None:
        @cached()
        def old() -> int:
            return self.work()

        old()
        self.work.error = ConnectionError("down")
        self.clock.now += 300 + 59.5
        with self.assertLogs("main.util.cache", "WARNING"):
            self.assertEqual(old(), 1)
        self.clock.now += 1
        with self.assertRaises(ConnectionError):
            old()

    def test_the_store_is_told_how_long(self) -> None:
        # Beyond 1e8 it is for ever.
        times = ((1.5, 3.5), (9e7, 9e7 + 2), (1e8 - 2, 1e8), (1e8 - 1, None), (None, None))
        for ttl, told in times:

            @cached(ttl=ttl, stale=2)
            def kept() -> None:
                """Return nothing."""

            with (
                self.subTest(ttl),
                mock.patch.object(self.store, "set", return_value=True) as store,
            ):
                kept()
                self.assertEqual(store.call_args.args[2], told)

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
        self.assertIsNotNone(logs.records[0].exc_info)
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
            self.store.asked = 0

            @cached()
            def cold() -> list[int]:
                deadline = time.monotonic() + PATIENCE
                while self.store.asked < 10:  # once by each of us, and twice more by me
                    self.assertLess(time.monotonic(), deadline, "nobody else came")
                    time.sleep(0.001)
                return [self.work()]

            results = self.together(cold)
            self.assertEqual(results, [[1]] * 8)
            self.assertEqual(len({id(result) for result in results}), 8)
        self.assert_outcomes(cold, *["miss"] * 20, *["hit"] * 140)

    def test_the_first_callers_in_a_worker_share_a_call_too(self) -> None:
        callers = threading.Barrier(8)

        def pid() -> int:  # all of them are the first
            with contextlib.suppress(threading.BrokenBarrierError):
                callers.wait(0.05)
            return -1

        @cached()
        def cold() -> int:
            time.sleep(0.05)
            return self.work()

        self.store.lock = lambda *_: lambda: None  # type: ignore[method-assign]
        with mock.patch("os.getpid", pid):
            self.assertEqual(self.together(cold), [1] * 8)

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
        found = self.store.get(value.cache_key())
        with mock.patch.object(self.store, "get", side_effect=[None, found]):
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

    def test_a_call_under_way_is_not_kept(self) -> None:
        begun, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)

        @cached()
        def slow() -> int:
            result = self.work()
            begun.set()
            go_on.wait(PATIENCE)
            return result

        with ThreadPoolExecutor(1) as pool:
            early = pool.submit(slow)
            self.assertTrue(begun.wait(PATIENCE))
            slow.cache_clear()
            go_on.set()
            self.assertEqual(slow(), 2)
            self.assertEqual(early.result(PATIENCE), 1)
        self.assertEqual(slow(), 2)

    def test_a_store_that_is_down_is_told_when_it_is_back(self) -> None:
        @cached()
        def value(a: int) -> int:
            return self.work(a)

        with mock.patch("time.monotonic", return_value=100.0) as monotonic:
            self.assertEqual([value(1), value(2)], [1, 2])
            self.store.down = True
            with self.assertLogs("main.util.cache", "WARNING"):
                value.cache_clear(1)
            self.store.down = False
            self.assertEqual(value(1), 3)
            monotonic.return_value += cache.COOL_DOWN
            with self.assertLogs("main.util.cache", "INFO") as logs:
                self.assertEqual(value(1), 4)
            self.assertEqual([record.getMessage() for record in logs.records], ["cache.up"])
            self.assertEqual([value(1), value(2)], [4, 2])

    def test_what_a_store_is_to_be_told_has_a_bound(self) -> None:
        @cached()
        def value(a: int) -> int:
            return self.work(a)

        with mock.patch("time.monotonic", return_value=100.0) as monotonic:
            value(-1)
            self.store.down = True
            with self.assertLogs("main.util.cache", "WARNING"):
                for number in range(cache.MOST_OWED + 1):
                    value.cache_clear(number)
            self.store.down = False
            self.store.asked = 0
            monotonic.return_value += cache.COOL_DOWN
            self.assertEqual(value(-1), 2)
            self.assertLess(self.store.asked, 10)


class TestProcesses(CacheCase):
    """Processes with the same store work together."""

    def test_a_result_is_for_all(self) -> None:
        @cached()
        def shared() -> int:
            return self.work()

        self.assertEqual([shared(), self.elsewhere(shared)], [1, 1])

    def test_one_waits_for_the_other(self) -> None:
        begun, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)

        @cached()
        def cold() -> int:
            result = self.work()
            begun.set()
            go_on.wait(PATIENCE)
            return result

        def sleep(_: float) -> None:
            go_on.set()
            first.result(PATIENCE)  # when we have paused, the other one is done

        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(cold)
            self.assertTrue(begun.wait(PATIENCE))
            with mock.patch("time.sleep", side_effect=sleep):
                self.assertEqual(self.elsewhere(cold), 1)
        self.assert_outcomes(cold, "miss", "hit")

    def test_nobody_is_waited_for_too_long(self) -> None:
        @cached()
        def abandoned() -> int:
            return self.work()

        self.store.locked.add(abandoned.cache_key())  # by one who was killed
        now = [0.25]
        pauses: list[float] = []

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            now[0] += seconds + 0.0001  # no sleep is shorter than it was to be

        with (
            mock.patch("time.sleep", side_effect=sleep),
            mock.patch("time.monotonic", side_effect=lambda: now[0]),
        ):
            self.assertEqual(abandoned(), 1)
        self.assertEqual(pauses[:8], [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.05, 0.05])
        self.assertAlmostEqual(now[0], 1.25, delta=0.001)
        self.assertEqual(abandoned(), 1)

    def test_while_another_renews_the_stale_one_serves(self) -> None:
        @cached(ttl=1)
        def renewed() -> int:
            return self.work()

        renewed()
        self.clock.now += 2
        self.store.locked.add(renewed.cache_key())
        self.assertEqual(renewed(), 1)
        self.store.locked.clear()
        self.assertEqual(renewed(), 2)
        self.assert_outcomes(renewed, "miss", "stale", "miss")

    def test_a_turn_ends_also_with_an_exception(self) -> None:
        @cached()
        def failing() -> int:
            return self.work()

        self.work.error = KeyError("no")
        with self.assertRaises(KeyError):
            failing()
        self.assertEqual(self.store.locked, set())

    def test_after_a_fork_nobody_is_waited_for(self) -> None:
        @cached()
        def forked() -> int:
            result = self.work()
            if result == 1:
                with mock.patch.object(os, "getpid", return_value=-1):
                    self.assertEqual(child.submit(forked).result(PATIENCE), 2)
            return result

        self.store.lock = lambda *_: lambda: None  # type: ignore[method-assign]
        with ThreadPoolExecutor(1) as child:
            self.assertEqual(forked(), 1)


class TestBrokenStore(CacheCase):
    """A store that fails makes the service slower, and nothing else."""

    def test_no_call_fails_and_the_store_is_left_alone_for_a_while(self) -> None:
        @cached()
        def brave() -> int:
            return self.work()

        self.store.down = True
        with mock.patch("time.monotonic", return_value=100.0) as monotonic:
            with self.assertLogs("main.util.cache", "WARNING") as logs:
                self.assertEqual(brave(), 1)
            self.assertEqual([record.getMessage() for record in logs.records], ["cache.down"])
            self.assertEqual([brave(), self.store.asked], [2, 1])
            monotonic.return_value += 4.9
            self.assertEqual([brave(), self.store.asked], [3, 1])
            monotonic.return_value += 0.2
            with self.assertLogs("main.util.cache", "WARNING"):
                self.assertEqual(brave(), 4)
        self.assert_outcomes(brave, "error", "bypass", "bypass", "error")

    def test_one_caller_tries_it_again(self) -> None:
        @cached()
        def brave() -> int:
            return self.work()

        with mock.patch("time.monotonic", return_value=100.0) as monotonic:
            self.store.down = True
            with self.assertLogs("main.util.cache", "WARNING"):
                brave()
            monotonic.return_value += cache.COOL_DOWN
            during: list[int] = []

            def get(_: str) -> None:
                if not during:  # another caller, while the first waits for an answer
                    during.append(0)
                    during[0] = brave()

            self.store.down = False
            with (
                mock.patch.object(self.store, "get", side_effect=get),
                mock.patch.object(self.store, "lock", return_value=lambda: None),
                self.assertLogs("main.util.cache", "INFO"),
            ):
                brave()
            self.assertEqual(during, [2])
        self.assert_outcomes(brave, "error", "bypass", "miss")

    def test_a_ping_that_is_answered_ends_the_wait(self) -> None:
        @cached()
        def brave() -> int:
            return self.work()

        self.store.down = True
        with self.assertLogs("main.util.cache", "WARNING"):
            brave()
        with self.assertRaises(ConnectionError):
            cache.ping()
        self.store.down = False
        self.assertEqual([brave(), brave()], [2, 3])
        cache.ping()
        self.assertEqual([brave(), brave()], [4, 4])

    def test_a_store_that_takes_nothing_in(self) -> None:
        @cached()
        def unkept() -> int:
            return self.work()

        failure = mock.patch.object(self.store, "set", side_effect=OSError("full"))
        with failure, self.assertLogs("main.util.cache", "WARNING"):
            self.assertEqual(unkept(), 1)

    def test_a_result_that_is_too_large(self) -> None:
        @cached()
        def large() -> int:
            return self.work()

        refusal = mock.patch.object(self.store, "set", return_value=False)
        with refusal, self.assertLogs("main.util.cache", "WARNING") as logs:
            self.assertEqual([large(), large()], [1, 2])
        self.assertEqual({each.getMessage() for each in logs.records}, {"cache.refused"})

    def test_garbage_is_a_miss(self) -> None:
        @cached()
        def robust() -> int:
            return self.work()

        key = robust.cache_key()
        for garbage in (
            b"",
            b"{",
            pack("another key", Entry(None, 0)),
            pack(key, Entry(None, 0))[1:],
        ):
            self.store.entries[key] = garbage
            with self.subTest(garbage), self.assertLogs("main.util.cache", "WARNING") as logs:
                self.assertEqual(robust(), len(self.work.calls))
            self.assertEqual(logs.records[0].getMessage(), "cache.garbage")


class TestCurrent(unittest.TestCase):
    """A process without an application has a cache, too."""

    def test_it_is_made_from_the_environment(self) -> None:
        with mock.patch.object(cache, "_current", None):
            self.assertEqual(cache.current().ttl, 300)
            self.assertIs(cache.current(), cache.current())
