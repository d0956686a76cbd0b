"""Cache codec."""

import re
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from main.util import cache_codec
from main.util.cache_codec import Entry, label, pack, unpack


class TestEntries(unittest.TestCase):
    """What was packed comes back, and nothing else does."""

    def test_round_trip(self) -> None:
        values: list[Any] = [None, 0, "ä", [1.5, {"b": [], "a": None}], 2**70, "x" * 100_000]
        for value in values:
            entry = unpack("key", pack("key", Entry(12.5, value)))
            self.assertEqual(entry, Entry(12.5, value))
        mixed = {"b": 1, "a": 2}
        entry = unpack("key", pack("key", Entry(None, mixed)))
        self.assertEqual(list(getattr(entry, "value")), ["b", "a"])  # noqa: B009

    def test_whatever_happened_to_it_is_seen(self) -> None:
        packed = pack("key", Entry(12.5, {"a": [1, 2, "three"]}))
        for at in range(len(packed)):
            self.assertIsNone(unpack("key", packed[:at]))
            for bit in range(8):
                flipped = bytes([packed[at] ^ 1 << bit])
                self.assertIsNone(unpack("key", packed[:at] + flipped + packed[at + 1 :]))
        self.assertIsNone(unpack("key", packed + b"\0"))
        self.assertIsNone(unpack("another", packed))

    def test_a_checksum_makes_no_entry(self) -> None:
        for body in (b"", b"{}", b"\xff"):
            from zlib import crc32

            forged = body + crc32(body, crc32(b"key")).to_bytes(4, "little")
            self.assertIsNone(unpack("key", forged))


class TestLabels(unittest.TestCase):
    """A function's name in a key."""

    def test_every_store_takes_it(self) -> None:
        for name in ("main.service.f", "münchen.<locals>.f g", "x" * 1000, "emoji👍"):
            self.assertTrue(re.fullmatch(r"[A-Za-z0-9_.-]{1,100}:[0-9a-f]{16}", label(name)), name)
        self.assertEqual(len(label("x" * 1000)), 100 + 1 + 16)

    def test_no_two_are_alike(self) -> None:
        names = ("a.<b>.c", "a.<c>.c", "a.-b-.c", "x" * 1000, "x" * 1001)
        self.assertEqual(len({label(name) for name in names}), len(names))

    def test_other_code_has_others(self) -> None:
        self.addCleanup(cache_codec._code.cache_clear)
        with tempfile.TemporaryDirectory() as folder:
            code, compiled = Path(folder, "util", "a.py"), Path(folder, "__pycache__", "a.pyc")

            def written(path: Path, text: str) -> str:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, "utf-8")
                cache_codec._code.cache_clear()
                with mock.patch.object(cache_codec, "__file__", str(code)):
                    return label("name")

            first = written(code, "1")
            self.assertEqual(written(compiled, "1"), first)
            self.assertNotEqual(written(code, "2"), first)
            self.assertEqual(written(code, "1"), first)
            self.assertNotEqual(written(code.with_name("b.py"), ""), first)
            code.with_name("b.py").unlink()
            self.assertEqual(written(code, "1"), first)
            self.assertNotEqual(written(Path(folder, "controller", "c.py"), ""), first)
