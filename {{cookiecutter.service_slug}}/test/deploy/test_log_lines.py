"""Tests of the log lines of the supervisor."""

import json
import unittest

from deploy.log_lines import MAX_LINE, encode, event


class TestEncode(unittest.TestCase):
    """A line of the log is JSON of bounded length."""

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

    def test_a_long_text_keeps_its_beginning_and_its_end(self) -> None:
        line = json.loads(encode({"message": f"Traceback{'x' * 9999}ValueError"}))
        self.assertRegex(line["message"], r"^Tracebackx+ … x+ValueError$")

    def test_other_limits_are_possible(self) -> None:
        self.assertEqual(len(encode({"message": "x" * 9000}, 16 * 1024)), 9015)
