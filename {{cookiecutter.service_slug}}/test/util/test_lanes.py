"""Lanes, as seen from the other end; from this one they are tested by the maps."""

import threading
import unittest
from typing import Any

from main.util import lanes


class TestOtherEnd(unittest.TestCase):
    """What a process of a pool does with what it gets."""

    def test_what_does_not_cross_over_is_told(self) -> None:
        # As the child sees it: there, coverage does not look.
        carried = lanes._Carried.current()
        for function, told in (
            (threading.Lock, "the result of .*call, a lock, cannot be pickled"),
            (fail_oddly, "call raised OddError, which cannot be pickled: odd"),
            (fail, "plain"),
        ):
            packed = lanes._pickled(call, function)
            with self.subTest(told), self.assertRaisesRegex(Exception, told):
                lanes._call_pickled(carried, packed)
        self.assertEqual(lanes._unpickled(lanes._call_pickled(carried, lanes._pickled(abs, -1))), 1)


def call(function: Any) -> Any:
    return function()


def fail() -> None:
    raise KeyError("plain")


class OddError(Exception):
    """An exception whose parts are not what it is made from, as many are."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


def fail_oddly() -> None:
    raise OddError("o", "dd")
