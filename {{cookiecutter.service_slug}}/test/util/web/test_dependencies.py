import threading
from unittest import mock

from flask import Flask

from main.util.context import deadline
from main.util.web import Dependency
from main.util.web.dependencies import check_all
from test.case import IsolatedCase


class FakeDatabase:
    """A database that can be down or slow, and counts how often it is checked."""

    def __init__(self) -> None:
        self.checks = 0
        self.is_down = False
        self.is_checked = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def ping(self) -> None:
        self.checks += 1
        self.is_checked.set()
        self.may_answer.wait(10)
        if self.is_down:
            raise ConnectionError("connection refused")


class TestCheckAll(IsolatedCase):
    def setUp(self) -> None:
        self.app = Flask(__name__)
        self.database = FakeDatabase()
        self.now = 100.0
        clock = mock.patch("main.util.web.dependencies.monotonic", side_effect=lambda: self.now)
        clock.start()
        self.addCleanup(clock.stop)
        dependency = Dependency(self.database.ping, required=True)
        self.app.extensions["dependencies"] = {"database": dependency}

    def check_all(self, after: float = 1.0) -> tuple[str, dict[str, str]]:
        self.now += after
        with self.app.app_context():
            return check_all()

    def test_a_dependency_is_checked_at_most_once_a_second(self) -> None:
        for after in (0.0, 0.5, 0.25):
            self.check_all(after)
        self.assertEqual(self.database.checks, 1)
        self.check_all(0.25)
        self.assertEqual(self.database.checks, 2)

    def test_a_change_of_state_is_logged_once(self) -> None:
        with self.assertLogs("main.util.web", "INFO") as logs:
            for self.database.is_down in (False, True, True, False, False, True):
                self.check_all()
        events = [(record.levelname, record.getMessage()) for record in logs.records]
        down, up = ("WARNING", "dependency.down"), ("INFO", "dependency.up")
        self.assertEqual(events, [down, up, down])
        details = vars(logs.records[0])
        self.assertEqual(details["dependency"], "database")
        self.assertEqual(details["error"], "ConnectionError: connection refused")
        self.assertIsNone(details["exc_info"])

    def test_a_check_has_a_deadline(self) -> None:
        remaining: list[float] = []
        check = Dependency(lambda: remaining.append(deadline.remaining()), required=True)
        self.app.extensions["dependencies"] = {"upstream": check}
        self.check_all()
        self.assertLessEqual(remaining[0], 1.0)

    def test_callers_do_not_wait_while_another_thread_checks(self) -> None:
        self.check_all()
        self.database.may_answer.clear()
        self.database.is_checked.clear()
        slow = threading.Thread(target=self.check_all)
        slow.start()
        self.database.is_checked.wait(10)
        self.assertEqual(self.check_all(after=5), ("ok", {"database": "ok"}))
        self.database.may_answer.set()
        slow.join(10)
        self.assertEqual(self.database.checks, 2)

    def test_callers_check_themselves_until_there_is_a_result(self) -> None:
        self.database.may_answer.clear()
        first = threading.Thread(target=self.check_all)
        first.start()
        self.database.is_checked.wait(10)
        self.database.may_answer.set()
        self.assertEqual(self.check_all(after=0), ("ok", {"database": "ok"}))
        first.join(10)
