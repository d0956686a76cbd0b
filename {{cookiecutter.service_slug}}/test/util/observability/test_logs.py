"""Tests of the log lines."""

import io
import json
import logging
from contextlib import redirect_stderr
from typing import Any

from main.util.context import current_request_id
from main.util.observability import logs
from test.case import IsolatedCase


def log_lines(event: str, **fields: Any) -> list[str]:
    """Log an event as configured, and return the lines that are written."""
    with redirect_stderr(io.StringIO()) as stream:
        logs.configure("INFO")
        logging.getLogger("somewhere").info(event, extra=fields)
    logs.configure("ERROR")
    return stream.getvalue().splitlines()


def log_event(event: str, **fields: Any) -> dict[str, Any]:
    """Log an event, and return the object on its only line."""
    (line,) = log_lines(event, **fields)
    parsed: dict[str, Any] = json.loads(line)
    return parsed


class TestLines(IsolatedCase):
    """Each event is one JSON object on a line."""

    def test_a_line_has_the_fields_of_its_event(self) -> None:
        line = log_event("thing.done", count=3)
        self.assertRegex(line.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
        self.assertEqual(
            line, {"level": "INFO", "logger": "somewhere", "event": "thing.done", "count": 3}
        )

    def test_control_characters_do_not_break_a_line(self) -> None:
        hostile = 'a"\n{"level": "forged"}\r\u2028'
        self.assertEqual(log_event(hostile)["event"], hostile)

    def test_a_line_has_the_request_id(self) -> None:
        current_request_id.set("abcdefgh")
        self.assertEqual(log_event("thing.done")["request_id"], "abcdefgh")


class TestBound(IsolatedCase):
    """A line has at most 16 KB."""

    def test_a_line_at_the_bound_is_unchanged(self) -> None:
        (short,) = log_lines("thing.done", text="")
        text = "x" * (logs.MAX_LINE - len(short))
        (line,) = log_lines("thing.done", text=text)
        self.assertEqual(len(line), logs.MAX_LINE)
        self.assertEqual(json.loads(line)["text"], text)

    def test_a_longer_value_is_replaced_by_its_beginning_and_end(self) -> None:
        line = log_event("thing.done", text="begin" + "x" * logs.MAX_LINE + "end", count=3)
        self.assertRegex(line["text"], r"\Abeginx+ … x+end\Z")
        self.assertEqual((line["event"], line["count"]), ("thing.done", 3))

    def test_the_bound_holds_for_any_value(self) -> None:
        for value in ("\U0001f600" * 10_000, list(range(100_000)), {"a": {"b": "c" * 99_999}}):
            (line,) = log_lines("thing.done", first=value, second=value)
            self.assertLessEqual(len(line), logs.MAX_LINE)
            self.assertEqual(json.loads(line)["event"], "thing.done")

    def test_the_bound_holds_for_the_event(self) -> None:
        self.assertLessEqual(len(log_lines("x" * 100_000)[0]), logs.MAX_LINE)
