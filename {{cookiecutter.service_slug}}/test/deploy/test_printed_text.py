"""Tests of the events for printed text."""

import time
import unittest

from deploy.printed_text import events

TRACEBACK = """\
Traceback (most recent call last):
  File "wsgi.py", line 1, in <module>
    first()
ValueError: first

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "wsgi.py", line 3, in <module>
    second()
RuntimeError: second"""
SINGLE = TRACEBACK.partition("\n\n")[0]


def summaries(text: str | bytes) -> list[tuple[str, str]]:
    """Return level and message of each event."""
    data = text.encode() if isinstance(text, str) else text
    return [(each["level"], each["message"]) for each in events("uwsgi", data)]


class TestEvents(unittest.TestCase):
    """Text on stderr becomes events."""

    def test_harmless_lines_are_one_event(self) -> None:
        self.assertEqual(summaries("one\n\ntwo\n"), [("INFO", "one\ntwo")])
        self.assertEqual(summaries("\n \n"), [])

    def test_joined_lines_are_not_too_long(self) -> None:
        long = "x" * 2000
        self.assertEqual(summaries(f"{long}\n{long}"), [("INFO", long)] * 2)

    def test_a_severe_line_is_an_event(self) -> None:
        text = "one\nTypeError: two\nthree"
        expected = [("INFO", "one"), ("ERROR", "TypeError: two"), ("INFO", "three")]
        self.assertEqual(summaries(text), expected)

    def test_chained_tracebacks_are_one_error(self) -> None:
        text = f"before\n{TRACEBACK}\nafter\n"
        expected = [("INFO", "before"), ("ERROR", TRACEBACK), ("INFO", "after")]
        self.assertEqual(summaries(text), expected)

    def test_tracebacks_that_follow_each_other_are_two_errors(self) -> None:
        self.assertEqual(summaries(f"{SINGLE}\n{SINGLE}\n"), [("ERROR", SINGLE)] * 2)

    def test_the_line_that_introduces_a_traceback_belongs_to_it(self) -> None:
        text = f"Exception in thread Thread-1 (run):\n{TRACEBACK}"
        self.assertEqual(summaries(text), [("ERROR", text)])

    def test_an_unfinished_traceback_is_an_error(self) -> None:
        text = SINGLE.rpartition("\n")[0]
        self.assertEqual(summaries(text), [("ERROR", text)])

    def test_an_indented_line_continues_the_event(self) -> None:
        text = "main.py:3: DeprecationWarning: old\n  call()"
        self.assertEqual(summaries(f"{text}\nnext"), [("WARNING", text), ("INFO", "next")])

    def test_lines_of_nginx_have_their_own_level(self) -> None:
        date = "2026/11/25 00:00:00"
        text = f"{date} [error] 7#7: *1 upstream timed out\nnginx: [emerg] unknown directive\n"
        expected = [("ERROR", "*1 upstream timed out"), ("CRITICAL", "unknown directive")]
        self.assertEqual(summaries(text), expected)

    def test_a_mistake_of_a_client_is_no_error(self) -> None:
        text = "2026/11/25 00:00:00 [error] 7#7: *1 client intended to send too large body: 9 bytes"
        self.assertEqual(summaries(text), [("INFO", text.partition("7#7: ")[2])])

    def test_bytes_that_are_not_text_are_escaped(self) -> None:
        self.assertEqual(summaries(b"\xff\x00"), [("INFO", "\\xff\x00")])

    def test_the_time_is_linear(self) -> None:
        started = time.process_time()
        for text in ("x" * 10**5, ":\n" * 30_000, "Traceback (most recent call last):\n" * 10**3):
            summaries(text)
        self.assertLess(time.process_time() - started, 5)
