import io
import json
import logging
from typing import Any
from unittest import mock

from main.util.context import current_request_id, start_trace
from main.util.observability import logs
from test.case import IsolatedCase

MAX_LINE = 4095


def log_text(event: str, **options: Any) -> str:
    """Log an event as configured, and return the text."""
    stream = io.StringIO()
    logs.configure("INFO")
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logs.StdoutHandler)
    assert handler.stream.fileno() == 1
    handler.setStream(stream)
    logging.getLogger("somewhere").info(event, **options)
    logs.configure("ERROR")
    return stream.getvalue()


def log_line(event: str, **fields: Any) -> str:
    """Log an event as configured, and return its only line."""
    (line,) = log_text(event, extra=fields).splitlines()
    return line


class TestLogs(IsolatedCase):
    def test_a_line_has_the_fields_of_its_event(self) -> None:
        line = json.loads(log_line("thing.done", count=3))
        self.assertRegex(line.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
        expected = {"level": "INFO", "logger": "somewhere", "event": "thing.done", "count": 3}
        self.assertEqual(line, expected)

    def test_control_characters_do_not_break_a_line(self) -> None:
        hostile = 'a"\n{"level": "forged"}\r\u2028'
        self.assertEqual(json.loads(log_line(hostile))["event"], hostile)

    def test_a_line_has_the_ids_of_the_request(self) -> None:
        current_request_id.set("abcdefgh")
        start_trace("", "", "1" * 32)
        line = json.loads(log_line("thing.done"))
        self.assertEqual((line["request_id"], line["trace_id"]), ("abcdefgh", "1" * 32))

    def test_a_line_at_the_bound_is_unchanged(self) -> None:
        text = "x" * (MAX_LINE - len(log_line("thing.done", text="")))
        line = log_line("thing.done", text=text)
        self.assertEqual((len(line), json.loads(line)["text"]), (MAX_LINE, text))

    def test_a_longer_value_is_replaced_by_its_beginning_and_end(self) -> None:
        text = "begin" + "x" * MAX_LINE + "end"
        line = json.loads(log_line("thing.done", text=text, short="y" * 1000))
        self.assertRegex(line["text"], r"\Abeginx{1018} … x{1021}end\Z")
        self.assertEqual(line["short"], "y" * 1000)

    def test_the_bound_holds_for_any_value(self) -> None:
        values = [
            "x" * 50_000,
            "\U0001f600" * 10_000,
            list(range(9_999)),
            {"a": {"b": "c" * 50_000}},
        ]
        for count in (1, 20):
            for value in values:
                fields = {f"field{number}": value for number in range(count)}
                line = log_line("x" * 99_999, **fields)
                self.assertLessEqual(len(line), MAX_LINE)
                self.assertIn("level", json.loads(line))


class TestTerminal(IsolatedCase):
    def setUp(self) -> None:
        patch = mock.patch("os.isatty", return_value=True)
        patch.start()
        self.addCleanup(logs.configure, "ERROR")
        self.addCleanup(patch.stop)

    def test_a_line_has_the_time_the_level_the_event_and_its_fields(self) -> None:
        text = log_text("item.sold", extra={"item": "x"}, exc_info=ValueError("wrong"))
        line = r"\d\d:\d\d:\d\d \x1b\[32mINFO    \x1b\[0m somewhere: item.sold item='x'"
        self.assertRegex(text, rf"\A{line}\nValueError: wrong\n\Z")

    def test_the_log_of_the_stack_is_json_without_colours(self) -> None:
        with mock.patch.dict("os.environ", RUN_DIR="/run/x"):
            self.assertEqual(json.loads(log_line("\x1b[35mitem\x1b[0m.sold"))["event"], "item.sold")
