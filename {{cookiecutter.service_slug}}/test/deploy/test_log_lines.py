"""Tests of the log lines that printed text becomes."""

import json
import time
import unittest
from typing import Any

from deploy.log_lines import MAX_LINE, encode, event
from deploy.text_reader import TextReader

TRACEBACK = """\
Traceback (most recent call last):
  File "wsgi.py", line 1, in <module>
    first()
ValueError: first

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "wsgi.py", line 3, in <module>
    second()
RuntimeError: second
"""


def read(text: str | bytes, size: int = 1 << 20) -> list[dict[str, Any]]:
    """Return the events of a text that comes in pieces of some size."""
    data = text.encode() if isinstance(text, str) else text
    reader = TextReader("uwsgi")
    events: list[dict[str, Any]] = []
    for start in range(0, len(data), size):
        events += reader.feed(data[start : start + size])
    events += reader.flush()
    assert not reader.is_pending
    return events


def summaries(text: str | bytes) -> list[tuple[str, str]]:
    """Return level and message of each event."""
    return [(each["level"], each["message"]) for each in read(text)]


class TestTextReader(unittest.TestCase):
    """Text on stderr becomes events."""

    def test_each_line_is_an_event(self) -> None:
        self.assertEqual(summaries("one\n\ntwo"), [("INFO", "one"), ("INFO", "two")])

    def test_the_size_of_the_pieces_does_not_matter(self) -> None:
        text = f"before\n{TRACEBACK}after\n"
        messages = ["before", TRACEBACK.rstrip(), "after"]
        for size in (1, 7, 1000):
            self.assertEqual([each["message"] for each in read(text, size)], messages)

    def test_chained_tracebacks_are_one_error(self) -> None:
        self.assertEqual(summaries(TRACEBACK), [("ERROR", TRACEBACK.rstrip())])

    def test_tracebacks_that_follow_each_other_are_two_errors(self) -> None:
        single = TRACEBACK.partition("\n\n")[0]
        self.assertEqual(summaries(f"{single}\n{single}\n"), [("ERROR", single)] * 2)

    def test_the_line_that_introduces_a_traceback_belongs_to_it(self) -> None:
        text = f"Exception in thread Thread-1 (run):\n{TRACEBACK}".rstrip()
        self.assertEqual(summaries(text), [("ERROR", text)])

    def test_an_indented_line_continues_the_event(self) -> None:
        text = "main.py:3: DeprecationWarning: old\n  call()"
        self.assertEqual(summaries(f"{text}\nnext"), [("WARNING", text), ("INFO", "next")])

    def test_lines_of_nginx_have_their_own_level(self) -> None:
        date = "2026/11/25 00:00:00"
        text = f"{date} [error] 7#7: *1 upstream timed out\nnginx: [emerg] unknown directive\n"
        expected = [("ERROR", "*1 upstream timed out"), ("CRITICAL", "unknown directive")]
        self.assertEqual(summaries(text), expected)

    def test_a_fault_of_a_client_is_no_error(self) -> None:
        text = "2026/11/25 00:00:00 [error] 7#7: *1 client intended to send too large body: 9 bytes"
        self.assertEqual(summaries(text), [("INFO", text.partition("7#7: ")[2])])

    def test_lines_of_uwsgi_lose_their_date(self) -> None:
        text = "Wed Nov 25 00:47:46 2026 - *** HARAKIRI ON WORKER 1 (pid: 7, try: 1) ***"
        self.assertEqual(summaries(text), [("ERROR", text.partition(" - ")[2])])

    def test_bytes_that_are_not_text_are_escaped(self) -> None:
        self.assertEqual(summaries(b"\xff\x00"), [("INFO", "\\xff\x00")])

    def test_a_long_line_is_cut_in_linear_time(self) -> None:
        started = time.monotonic()
        (line,) = read(b"x" * (16 << 20), 1 << 16)
        self.assertLess(time.monotonic() - started, 2)
        self.assertLess(len(encode(line)), MAX_LINE)

    def test_a_long_traceback_keeps_its_beginning_and_its_end(self) -> None:
        frames = "".join(f"  frame {number}\n" for number in range(9999))
        ((level, message),) = summaries(f"Traceback (most recent call last):\n{frames}Error: end")
        self.assertEqual(level, "ERROR")
        self.assertRegex(message, r"\ATraceback (?s:.*)\n  frame 9998\nError: end\Z")


class TestEncode(unittest.TestCase):
    """A line of the log has at most 16 KB."""

    def test_an_event_has_a_time(self) -> None:
        line = json.loads(encode(event("INFO", "stack", "stack.ready", url="http://x/")))
        self.assertRegex(line.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$")
        expected = {"level": "INFO", "logger": "stack", "event": "stack.ready", "url": "http://x/"}
        self.assertEqual(line, expected)

    def test_the_bound_holds_for_any_text(self) -> None:
        for text in ("x" * 99_999, "\x00" * 99_999, "\U0001f600" * 99_999):
            encoded = encode(event("INFO", text, text, message=text))
            self.assertLessEqual(len(encoded), MAX_LINE)
            self.assertEqual(json.loads(encoded)["level"], "INFO")
