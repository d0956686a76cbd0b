"""Tests of the request id, the deadline, and their propagation to other processes."""

from threading import TIMEOUT_MAX
from unittest import mock

from main.util.context import PropagatedContext, current_request_id, deadline, start_request_id
from test.case import IsolatedCase


class TestRequestId(IsolatedCase):
    def test_a_well_formed_id_is_accepted(self) -> None:
        for given in ("Abc-123._", "x" * 8, "x" * 64):
            self.assertEqual(start_request_id(given), given)
            self.assertEqual(current_request_id.get(), given)

    def test_any_other_id_is_replaced(self) -> None:
        odd = ("", "short", "x" * 7, "x" * 65, 'a";drop table', "äöüäöüäöü", "{jndi:ldap://x}")
        for given in odd:
            with self.subTest(given):
                self.assertRegex(start_request_id(given), r"\A[0-9a-f]{32}\Z")


class TestDeadline(IsolatedCase):
    def setUp(self) -> None:
        patch = mock.patch.object(deadline, "monotonic", return_value=100.0)
        self.clock = patch.start()
        self.addCleanup(patch.stop)

    def test_the_remaining_time_falls_to_zero(self) -> None:
        self.assertEqual(deadline.remaining(), TIMEOUT_MAX)
        deadline.start(5)
        deadline.start(10)  # replaces that of the request before
        for now, expected in ((107.0, 3), (111.0, 0)):
            self.clock.return_value = now
            self.assertEqual(deadline.remaining(), expected)

    def test_a_timeout_applies_to_its_block_and_can_only_be_shorter(self) -> None:
        deadline.start(10)
        for inner, expected in ((5, 5), (50, 10)):
            with self.assertRaises(KeyError), deadline.timeout(inner):
                self.assertEqual(deadline.remaining(), expected)
                raise KeyError
            self.assertEqual(deadline.remaining(), 10)

    def test_a_task_runs_in_the_captured_context(self) -> None:
        current_request_id.set("from-the-caller")
        deadline.start(10)
        with mock.patch("main.util.context.propagation.time", return_value=1000.0) as time:
            captured = PropagatedContext.capture()
            current_request_id.set("of-the-worker")
            deadline.start(99)
            time.return_value = 1003.0  # the task has waited for a process
            self.assertEqual(captured.run(current_request_id.get), "from-the-caller")
            self.assertEqual(captured.run(deadline.remaining), 7)
            time.return_value = 1020.0
            self.assertEqual(captured.run(deadline.remaining), 0)
        self.assertEqual((current_request_id.get(), deadline.remaining()), ("of-the-worker", 99))
