from typing import ClassVar
from unittest import mock

from main.util.observability import timed
from test.case import ServiceCase


@timed
def müll() -> None: ...


@timed
def work() -> None: ...


def work_twice() -> str:
    work()
    müll()
    work()
    return ""


class TestServerTiming(ServiceCase):
    environment: ClassVar[dict[str, str]] = {"APP_SERVER_TIMING": "true"}

    def test_each_function_is_one_entry_with_the_milliseconds_of_its_calls(self) -> None:
        self.app.add_url_rule("/work", view_func=work_twice)
        times = (1.5, 1.75, 2.0, 2.0625, 3.0, 3.5)
        with mock.patch("main.util.observability.timing.perf_counter", side_effect=times):
            header = self.client.get("/work").headers["Server-Timing"]
        self.assertEqual(header, f"{__name__}.work;dur=750.000, {__name__}.m_ll;dur=62.500")
        # A request without timed calls has no header.
        self.assertNotIn("Server-Timing", self.client.get("/livez").headers)


class TestServerTimingDisabled(ServiceCase):
    def test_no_header_is_sent(self) -> None:
        self.app.add_url_rule("/work", view_func=work_twice)
        self.assertNotIn("Server-Timing", self.client.get("/work").headers)
