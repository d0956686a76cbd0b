"""Keys: different calls never share a key."""

import re
import tempfile
import unittest
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import msgspec

from main.util.cache import keys
from main.util.cache.keys import KeyBuilder, source_digest

KEY = re.compile(r"[a-z0-9-]+:[A-Za-z0-9_.-]{1,100}:[0-9a-f]{16}:", re.ASCII)


@dataclass(frozen=True)
class Circle:
    size: Any


@dataclass(frozen=True)
class Square:
    size: Any


class Named(NamedTuple):
    size: Any


class Struct(msgspec.Struct, frozen=True):
    size: Any


class Color(Enum):
    RED = "red"


class Text(Enum):
    RED = "red"


def function(value: Any) -> None:
    """Return nothing."""


def key_of(value: Any) -> str:
    return KeyBuilder("main.function", function).build((value,), {})


class TestArguments(unittest.TestCase):
    def test_different_arguments_have_different_keys(self) -> None:
        values: list[Any] = [
            *(0, 0.0, False, None, "", "0", "null", 1, 1.0, True, "1", 2**70, float(2**70)),
            *([], {}, (), set(), frozenset(), [[]], [()], {"a": 1}, ["a", 1], [["a", 1]], ("a", 1)),
            *({"a": 1, "b": 2}, {"a": 2, "b": 1}, {1: 2}, {"1": 2}, {1}, {True}, [1], [True]),
            *(date(2026, 1, 1), "2026-01-01", datetime(2026, 1, 1), Decimal(1), Decimal("1.0")),
            *(uuid.UUID(int=1), str(uuid.UUID(int=1)), b"a", "YQ==", bytearray(b"a")),
            *(Circle(1), Square(1), Circle(True), Named(1), Struct(1), Circle(Circle(1))),
            *(Color.RED, Text.RED, "red", float("inf"), float("-inf"), float("nan")),
            *("ä", "a b", "a:b", "a" * 5000, "a" * 5001),
        ]
        found = [key_of(value) for value in values]
        for index, key in enumerate(found):
            self.assertEqual(found.index(key), index, values[index])
            self.assertLessEqual(len(key), 250)
            self.assertRegex(key, f"^{KEY.pattern}[!-9;-~]+$")

    def test_equal_arguments_have_the_same_key(self) -> None:
        self.assertEqual(KEY.sub("", key_of("EUR")), '["EUR"]')
        pairs: list[tuple[Any, Any]] = [
            ({"a": 1, "b": {2}}, {"b": {2}, "a": 1}),
            ({"x", "y", "z"}, {"z", "y", "x"}),
            (Circle(Decimal("1.0")), Circle(Decimal("1.0"))),
        ]
        for first, second in pairs:
            self.assertEqual(key_of(first), key_of(second))

    def test_positional_and_keyword_arguments_are_told_apart(self) -> None:
        def gather(*args: Any, **kwargs: Any) -> None:
            """Return nothing."""

        builder = KeyBuilder("main.gather", gather)
        calls: list[tuple[tuple[Any, ...], Mapping[str, Any]]] = [
            ((), {}),
            (([], {}), {}),
            (({"a": 1},), {}),
            ((), {"a": 1}),
            ((1,), {"a": 1}),
        ]
        self.assertEqual(len({builder.build(*call) for call in calls}), len(calls))

    def test_an_argument_that_cannot_be_encoded_is_an_error(self) -> None:
        for value in (object(), [object()], lambda: None, "\ud800", {1: object()}):
            with self.assertRaisesRegex(TypeError, r"^main\.function: no key: .*; pass key="):
                key_of(value)


class TestPrefixes(unittest.TestCase):
    def test_different_names_have_different_valid_prefixes(self) -> None:
        names = ("a.<b>.c", "a.<c>.c", "a.-b-.c", "x" * 1000, "x" * 1001, "münchen.f", "👍")
        prefixes = {KeyBuilder(name, function).prefix for name in names}
        self.assertEqual(len(prefixes), len(names))
        for prefix in prefixes:
            self.assertRegex(prefix, f"^{KEY.pattern}$")
        self.assertRegex(KeyBuilder("x" * 101, function).prefix, ":x{100}:[0-9a-f]{16}:$")
        self.assertRegex(key_of("long" * 20), ":[0-9a-f]{32}$")

    def test_a_prefix_contains_the_version_of_all_files_in_main(self) -> None:
        with mock.patch.object(keys, "source_digest", side_effect=[b"1", b"2"]) as digest:
            prefixes = {KeyBuilder("main.function", function).prefix for _ in range(2)}
        self.assertEqual(len(prefixes), 2)
        digest.assert_called_with(Path(__file__).parents[3] / "main")


class TestSourceDigest(unittest.TestCase):
    def digest(self, files: dict[str, str]) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
            return source_digest(Path(folder))

    def test_it_depends_on_names_and_contents(self) -> None:
        versions = [
            {"a.py": "1"},
            {"a.py": "2"},
            {"b.py": "1"},
            {"a.py": "1", "b.py": ""},
            {"a.py": "1", "util/b.py": ""},
            {"a.py": "1", "Util/b.py": ""},
        ]
        self.assertEqual(len({self.digest(files) for files in versions}), len(versions))
        self.assertEqual(self.digest({"a.py": "1"}), self.digest({"a.py": "1"}))

    def test_compiled_files_do_not_count(self) -> None:
        compiled = {"a.py": "1", "__pycache__/a.pyc": "2"}
        self.assertEqual(self.digest(compiled), self.digest({"a.py": "1"}))
