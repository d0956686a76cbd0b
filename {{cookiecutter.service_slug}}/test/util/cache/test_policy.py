"""Policy: typed results come back as they were, and corrupt entries do not come back."""

import enum
import math
import unittest
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zlib import crc32

from main.util.cache.policy import Policy, Result


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


class TestTypes(unittest.TestCase):
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
            *((Any, each) for each in (0, "ä", [1.5, {"b": [], "a": None}], 2**70)),
        ]
        for annotation, value in values:
            with self.subTest(annotation, value=value):
                policy = Policy("f", annotation)
                entry = policy.encode("key", value, 12.5)
                result = policy.decode("key", entry, 12.6, 1)
                self.assertEqual(result, Result("hit", value, entry))
                self.assertIs(type(result.value), type(value))
                self.assertEqual(policy.value(entry), value)

    def test_results_that_json_does_not_preserve_are_refused(self) -> None:
        values: list[tuple[Any, Any, str]] = [
            *((Any, each, type(each).__name__) for each in ((1, 2), {1: 2}, {1}, b"x", object())),
            (float, math.nan, "float as .*float"),
            (list[int], (1, 2), r"tuple as list\[int\]"),
            (int, "1", "str as .*int"),
            (str, "\ud800", "str as .*str"),
        ]
        for annotation, value, reason in values:
            with (
                self.subTest(annotation, value=value),
                self.assertRaisesRegex(
                    TypeError, f"^main.f: cannot cache a {reason}.*: .*; annotate the return type"
                ),
            ):
                Policy("main.f", annotation).encode("key", value, 0)

    def test_unsupported_annotations_are_rejected(self) -> None:
        for annotation in (complex, object, list[complex], type, Rate | Point | Policy):
            with self.assertRaisesRegex(
                TypeError, "^main.f: cannot cache .*; return a dataclass or another msgspec type"
            ):
                Policy("main.f", annotation)


class TestCorruptEntries(unittest.TestCase):
    def setUp(self) -> None:
        self.entry = Policy("main.f", dict[str, list[int]]).encode("key", {"a": [1, 2, 3]}, 0)

    def assert_corrupt(self, entry: bytes, key: str = "key", annotation: Any = Any) -> None:
        with self.assertLogs("main.util.cache", "WARNING") as logs:
            result = Policy("main.f", annotation).decode(key, entry, 0, 1)
        self.assertEqual(result, Result("error"))
        self.assertEqual(logs.records[0].getMessage(), "cache.corrupt_entry")
        self.assertEqual(vars(logs.records[0])["callable"], "main.f")

    def test_every_truncated_or_changed_entry_is_detected(self) -> None:
        for position in range(len(self.entry)):
            self.assert_corrupt(self.entry[:position])
            for bit in range(8):
                changed = bytearray(self.entry)
                changed[position] ^= 1 << bit
                self.assert_corrupt(bytes(changed))
        self.assert_corrupt(self.entry + b"\0")

    def test_an_entry_of_another_key_or_type_is_detected(self) -> None:
        self.assert_corrupt(self.entry, key="another")
        self.assert_corrupt(self.entry, annotation=list[int])

    def test_a_correct_checksum_alone_is_not_enough(self) -> None:
        for text in (b"", b"{}", b"[0]", b'[0,"\xff"]'):
            self.assert_corrupt(text + crc32(b"key" + text).to_bytes(4, "little"))
