"""Tests of the Server-Timing header."""

import re
from typing import ClassVar
from unittest import mock

from main.util.observability import timed
from test.case import ServiceCase

NAME = f"{__name__}.add"


@timed
def add(a: int) -> int:
    return a + 1


@timed
def müll() -> None: ...


class TestServerTiming(ServiceCase):
    """The header lists the timed calls of the request, if it is enabled."""

    environment: ClassVar[dict[str, str]] = {"APP_SERVER_TIMING": "true"}

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.app.add_url_rule("/once", "once", lambda: str(add(1)))
        cls.app.add_url_rule("/twice", "twice", lambda: str(add(1) + add(2)))
        cls.app.add_url_rule("/umlaut", "umlaut", lambda: str(müll()))

    def header(self, path: str) -> str:
        return self.client.get(path).headers["Server-Timing"]

    def test_a_call_is_listed_with_its_duration(self) -> None:
        self.assertRegex(self.header("/once"), rf"\A{re.escape(NAME)};dur=\d+\.\d\d\d\Z")

    def test_calls_of_one_function_are_one_entry_with_their_sum_in_milliseconds(self) -> None:
        times = (1.5, 1.75, 2.0, 2.5)
        with mock.patch("main.util.observability.timing.perf_counter", side_effect=times):
            self.assertEqual(self.header("/twice"), f'{NAME};dur=750.000;desc="{NAME}, 2 calls"')

    def test_characters_that_are_not_allowed_in_a_token_are_replaced(self) -> None:
        self.assertIn(".m_ll;dur=", self.header("/umlaut"))

    def test_a_request_without_timed_calls_has_no_header(self) -> None:
        self.assertNotIn("Server-Timing", self.client.get("/livez").headers)


class TestServerTimingDisabled(ServiceCase):
    """By default, callers learn nothing about the service's functions."""

    def test_no_header_is_sent(self) -> None:
        self.app.add_url_rule("/once", view_func=lambda: str(add(1)))
        self.assertNotIn("Server-Timing", self.client.get("/once").headers)
