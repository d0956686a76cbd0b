"""Tests of deadlines."""

import math
from unittest import mock

from main.util.context import deadline
from test.case import IsolatedCase


class TestDeadline(IsolatedCase):
    """The deadline of the current request, and earlier ones for parts of its work."""

    def setUp(self) -> None:
        patch = mock.patch.object(deadline, "monotonic", return_value=100.0)
        self.clock = patch.start()
        self.addCleanup(patch.stop)

    def test_without_a_deadline_the_remaining_time_is_infinite(self) -> None:
        self.assertEqual(deadline.remaining(), math.inf)

    def test_the_remaining_time_falls_to_zero(self) -> None:
        deadline.start(10)
        self.clock.return_value = 107.0
        self.assertEqual(deadline.remaining(), 3)
        self.clock.return_value = 111.0
        self.assertEqual(deadline.remaining(), 0)

    def test_a_timeout_applies_to_its_block_only(self) -> None:
        with deadline.timeout(10):
            self.assertEqual(deadline.remaining(), 10)
        self.assertEqual(deadline.remaining(), math.inf)

    def test_an_inner_timeout_can_only_be_shorter(self) -> None:
        with deadline.timeout(10):
            for inner, expected in ((5, 5), (50, 10)):
                with deadline.timeout(inner):
                    self.assertEqual(deadline.remaining(), expected)

    def test_a_timeout_ends_with_an_exception(self) -> None:
        with self.assertRaises(KeyError), deadline.timeout(10):
            raise KeyError
        self.assertEqual(deadline.remaining(), math.inf)

    def test_a_new_request_replaces_the_deadline_of_the_one_before(self) -> None:
        deadline.start(5)
        self.clock.return_value = 200.0
        deadline.start(15)
        self.assertEqual(deadline.remaining(), 15)
