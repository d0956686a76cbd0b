"""Tests of the log events of timed calls."""

import logging
from unittest import mock

from main.util.config import Scope
from main.util.context import current_request_id
from main.util.observability import ObservabilitySettings, timed
from test.case import IsolatedCase

LOGGER = "main.util.observability.call_log"


@timed
def work() -> None: ...


def sample(ratio: float) -> None:
    Scope(ObservabilitySettings(timed_sample=ratio)).activate()


class TestCallLog(IsolatedCase):
    """One event for each timed call, for a share of the requests."""

    def test_a_call_is_logged_at_level_debug(self) -> None:
        times = mock.patch("main.util.observability.timing.perf_counter", side_effect=(1.5, 4.0))
        with times, self.assertLogs(LOGGER, "DEBUG") as caught:
            work()
        (record,) = caught.records
        self.assertEqual((record.levelno, record.getMessage()), (logging.DEBUG, "call.timed"))
        self.assertEqual(vars(record)["callable"], f"{__name__}.work")
        self.assertEqual((vars(record)["outcome"], vars(record)["seconds"]), ("ok", 2.5))

    def test_a_ratio_of_zero_logs_nothing(self) -> None:
        sample(0)
        with self.assertNoLogs(LOGGER, "DEBUG"):
            work()

    def test_all_calls_of_a_request_are_logged_or_none(self) -> None:
        sample(0.5)
        sampled = 0
        for number in range(200):
            current_request_id.set(f"request-{number}")
            with self.assertLogs(LOGGER, "DEBUG") as caught:
                logging.getLogger(LOGGER).debug("assertLogs requires one event")
                work()
                work()
            self.assertIn(len(caught.records), (1, 3))
            sampled += len(caught.records) == 3
        self.assertTrue(60 < sampled < 140, sampled)
