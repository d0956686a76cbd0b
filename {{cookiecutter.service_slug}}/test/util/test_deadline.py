"""Deadline."""

import math
import unittest
from unittest import mock

from flask import Flask

from main.util import deadline
from test.case import ServiceCase


class TestDeadline(unittest.TestCase):
    """It can come earlier, never later, and ends with what it was set for."""

    def setUp(self) -> None:
        patch = mock.patch.object(deadline, "monotonic", return_value=100.0)
        self.clock = patch.start()
        self.addCleanup(patch.stop)

    def test_without_one_there_is_time_for_ever(self) -> None:
        self.assertEqual(deadline.remaining(), math.inf)

    def test_the_earliest_counts(self) -> None:
        with deadline.within(10):
            with deadline.within(5):
                self.assertEqual(deadline.remaining(), 5)
            with deadline.within(50):
                self.assertEqual(deadline.remaining(), 10)
            self.assertEqual(deadline.remaining(), 10)
            self.clock.return_value = 107.0
            self.assertEqual(deadline.remaining(), 3)
            self.clock.return_value = 111.0
            self.assertEqual(deadline.remaining(), 0)
        self.assertEqual(deadline.remaining(), math.inf)

    def test_it_ends_with_an_exception(self) -> None:
        with self.assertRaises(KeyError), deadline.within(10):
            raise KeyError
        self.assertEqual(deadline.remaining(), math.inf)

    def test_every_request_has_its_own(self) -> None:
        app = Flask("somewhere")
        deadline.init_app(app)
        app.add_url_rule("/", view_func=lambda: str(deadline.remaining()))
        for _ in range(2):
            answer = app.test_client().get("/")
            self.assertEqual(float(answer.text), deadline.REQUEST)
            self.clock.return_value += 3
        deadline._deadline.set(math.inf)


class TestRequests(ServiceCase):
    """The application gives them theirs."""

    def test_a_request_has_a_deadline(self) -> None:
        self.app.add_url_rule("/left", view_func=lambda: str(deadline.remaining()))
        self.assertLessEqual(float(self.client.get("/left").text), deadline.REQUEST)
