"""Logs."""

import contextvars
import io
import json
import logging
from contextlib import redirect_stderr
from typing import Any

from main.util import logs
from test.case import ServiceCase


def logged(*events: str, **fields: Any) -> list[dict[str, Any]]:
    """Log the events as configured, and return what came out, line by line."""
    with redirect_stderr(io.StringIO()) as stream:
        logs.configure("INFO")
        for event in events:
            logging.getLogger("somewhere").info(event, extra=fields)
    logs.configure("ERROR")
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class TestLines(ServiceCase):
    """One JSON object a line."""

    def test_a_line_has_its_fields(self) -> None:
        (line,) = contextvars.Context().run(logged, "thing.done", count=3)
        self.assertEqual(line["level"], "INFO")
        self.assertEqual(line["logger"], "somewhere")
        self.assertEqual(line["event"], "thing.done")
        self.assertEqual(line["count"], 3)
        self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
        self.assertNotIn("request_id", line)

    def test_hostile_text_stays_on_its_line(self) -> None:
        (line,) = logged('a"\n{"level": "forged"}\r\u2028')
        self.assertEqual(line["event"], 'a"\n{"level": "forged"}\r\u2028')

    def test_a_line_bears_the_request_id(self) -> None:
        token = logs.request_id.set("abcdefgh")
        self.addCleanup(logs.request_id.reset, token)
        self.assertEqual(logged("thing.done")[0]["request_id"], "abcdefgh")


class TestRequestId(ServiceCase):
    """Every request has one, and its answer tells it."""

    def test_a_well_formed_id_is_taken_over(self) -> None:
        response = self.client.get("/livez", headers={"X-Request-ID": "Abc-123._"})
        self.assertEqual(response.headers["X-Request-ID"], "Abc-123._")

    def test_other_ids_are_replaced(self) -> None:
        for given in ("", "short", "x" * 65, 'a";drop table', "äöüäöüäöü", "{jndi:ldap://x}"):
            with self.subTest(given):
                response = self.client.get("/livez", headers={"X-Request-ID": given})
                self.assertRegex(response.headers["X-Request-ID"], r"\A[0-9a-f]{32}\Z")
