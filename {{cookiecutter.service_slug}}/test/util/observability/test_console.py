"""Tests of the log lines for people."""

import io
import logging
import os
from unittest import mock

from main.util.observability import logs
from test.case import IsolatedCase


class TestConsole(IsolatedCase):
    """Lines on a terminal are coloured text."""

    def log(self, *, terminal: bool, **environ: str) -> str:
        """Log an error as configured on a terminal, or elsewhere; return the text."""
        with (
            mock.patch.object(os, "isatty", return_value=terminal),
            mock.patch.dict(os.environ, environ),
        ):
            logs.configure("INFO")
        self.addCleanup(logs.configure, "ERROR")
        stream = io.StringIO()
        (handler,) = logging.getLogger().handlers
        assert isinstance(handler, logs.StdoutHandler)
        handler.setStream(stream)
        try:
            raise ValueError("wrong")
        except ValueError:
            logging.getLogger("shop").exception("\x1b[35mitem\x1b[0m.sold", extra={"item": "x"})
        return stream.getvalue()

    def test_a_line_on_a_terminal_is_coloured(self) -> None:
        first, second, *_, last = self.log(terminal=True).splitlines()
        expected = r"^\d\d:\d\d:\d\d \x1b\[31mERROR   \x1b\[0m shop: .*item.* item='x'$"
        self.assertRegex(first, expected)
        self.assertEqual(second, "Traceback (most recent call last):")
        self.assertEqual(last, "ValueError: wrong")

    def test_a_line_elsewhere_is_json_without_colours(self) -> None:
        for text in (self.log(terminal=False), self.log(terminal=True, RUN_DIR="/run/x")):
            (line,) = text.splitlines()
            self.assertTrue(line.startswith("{"))
            self.assertIn('"item.sold"', line)
            self.assertNotIn("u001b", line)
