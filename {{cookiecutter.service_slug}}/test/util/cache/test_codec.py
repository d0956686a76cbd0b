"""Codec: typed results come back as they were, and corrupt entries do not come back."""

import enum
import math
import unittest
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zlib import crc32

from main.util.cache.codec import Codec, Entry, return_annotation


class Color(enum.Enum):
    RED = "red"


@dataclass
class Rate:
    currency: str
    value: Decimal
    valid_on: date


class Point(NamedTuple):
    x: int
    y: int


def round_trip(annotation: Any, value: Any) -> Any:
    """Return what a function with this annotation returns on a hit."""
    codec = Codec("f", annotation)
    data, copy = codec.dumps("key", Entry(12.5, value))
    entry = codec.loads("key", data)
    assert entry is not None
    assert (entry.fresh_until, entry.value) == (12.5, copy)
    return entry.value


class TestTypes(unittest.TestCase):
    """The return annotation decides what JSON is decoded as."""

    def test_annotated_results_come_back_as_they_were(self) -> None:
        rate = Rate("EUR", Decimal("1.10"), date(2026, 1, 31))
        values: list[tuple[Any, Any]] = [
            (Rate, rate),
            (list[Rate] | None, [rate, rate]),
            (Point, Point(1, 2)),
            (tuple[int, str], (1, "a")),
            (set[int], {3, 1, 2}),
            (frozenset[str], frozenset("ab")),
            (dict[int, date], {1: date(2026, 1, 1)}),
            (Color, Color.RED),
            (uuid.UUID, uuid.UUID(int=7)),
            (datetime, datetime(2026, 1, 1, 12, tzinfo=UTC)),
            (timedelta, timedelta(days=1, milliseconds=2)),
            (bytes, b"\0\xff"),
            (float, 0.1),
            (None, None),
        ]
        for annotation, value in values:
            with self.subTest(annotation):
                result = round_trip(annotation, value)
                self.assertEqual(result, value)
                self.assertIs(type(result), type(value))

    def test_unannotated_results_are_plain_json(self) -> None:
        values = [None, 0, "ä", [1.5, {"b": [], "a": None}], 2**70, "x" * 100_000]
        for value in values:
            self.assertEqual(round_trip(Any, value), value)
        self.assertEqual(list(round_trip(Any, {"b": 1, "a": 2})), ["b", "a"])

    def test_other_unannotated_results_are_refused(self) -> None:
        values: list[Any] = [(1, 2), {1: 2}, {1}, b"x", object(), Rate("EUR", Decimal(1), date.min)]
        for value in values:
            kind = type(value).__name__
            with self.assertRaisesRegex(
                TypeError,
                f"^main.f: cannot cache a {kind} from an unannotated function; annotate the",
            ):
                Codec("main.f", Any).dumps("key", Entry(0, value))

    def test_results_that_json_does_not_preserve_are_refused(self) -> None:
        values: list[tuple[Any, Any, str]] = [
            (float, math.nan, "a float as float"),
            (list[int], (1, 2), r"a tuple as list\[int\]"),
            (int, "1", "a str as int"),
            (str, "\ud800", "a str as str"),
            (dict[tuple[int, int], int], {(1, 2): 3}, "a dict as"),
        ]
        for annotation, value, reason in values:
            with self.assertRaisesRegex(TypeError, f"^main.f: cannot cache {reason}"):
                Codec("main.f", annotation).dumps("key", Entry(0, value))

    def test_unsupported_annotations_are_rejected(self) -> None:
        for annotation in (complex, object, list[complex], type, Rate | Point | Codec):
            with self.assertRaisesRegex(
                TypeError, "^main.f: cannot cache a .*; return a dataclass"
            ):
                Codec("main.f", annotation)

    def test_an_unknown_name_in_an_annotation_is_an_error(self) -> None:
        def function() -> "Unknown":  # type: ignore[name-defined]  # noqa: F821
            """Return nothing."""

        with self.assertRaisesRegex(TypeError, "'Unknown' is not defined; define it before"):
            return_annotation(function)


class TestCorruptEntries(unittest.TestCase):
    """Data that was not encoded for this key and this type is rejected."""

    def setUp(self) -> None:
        self.codec = Codec("f", dict[str, list[int]])
        self.data, _ = self.codec.dumps("key", Entry(12.5, {"a": [1, 2, 3]}))

    def test_every_truncated_or_changed_entry_is_detected(self) -> None:
        for position in range(len(self.data)):
            self.assertIsNone(self.codec.loads("key", self.data[:position]))
            for bit in range(8):
                changed = bytes([self.data[position] ^ 1 << bit])
                data = self.data[:position] + changed + self.data[position + 1 :]
                self.assertIsNone(self.codec.loads("key", data))
        self.assertIsNone(self.codec.loads("key", self.data + b"\0"))

    def test_an_entry_of_another_key_is_detected(self) -> None:
        self.assertIsNone(self.codec.loads("another", self.data))

    def test_an_entry_that_does_not_match_the_annotation_is_detected(self) -> None:
        self.assertIsNone(Codec("f", list[int]).loads("key", self.data))

    def test_a_correct_checksum_alone_is_not_enough(self) -> None:
        for body in (b"", b"{}", bytes(8), bytes(8) + b'"\xff"'):
            data = body + crc32(b"key" + body).to_bytes(4, "little")
            self.assertIsNone(self.codec.loads("key", data))
