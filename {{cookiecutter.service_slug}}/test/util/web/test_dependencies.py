"""Tests of the dependencies' checks."""

import threading
from unittest import mock

from flask import Flask

from main.util.context import deadline
from main.util.web import Dependency
from main.util.web.dependencies import check_all, register
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
    """check_all() reports the state of the service and of its dependencies."""

    def setUp(self) -> None:
        self.app = Flask(__name__)
        self.database = FakeDatabase()
        self.now = 100.0
        clock = mock.patch("main.util.web.dependencies.monotonic", side_effect=lambda: self.now)
        clock.start()
        self.addCleanup(clock.stop)

    def register(self, *, required: bool) -> None:
        register(self.app, "database", Dependency(self.database.ping, required=required))

    def check_all(self, after: float = 1.0) -> tuple[str, dict[str, str]]:
        self.now += after
        with self.app.app_context():
            return check_all()

    def test_a_service_without_dependencies_is_ok(self) -> None:
        self.assertEqual(self.check_all(), ("ok", {}))

    def test_a_service_is_ok_while_its_dependencies_are(self) -> None:
        self.register(required=True)
        self.assertEqual(self.check_all(), ("ok", {"database": "ok"}))

    def test_a_service_is_unavailable_without_a_required_dependency(self) -> None:
        self.register(required=True)
        self.database.is_down = True
        self.assertEqual(self.check_all(), ("unavailable", {"database": "down"}))

    def test_a_service_is_degraded_without_another_dependency(self) -> None:
        self.register(required=False)
        self.database.is_down = True
        self.assertEqual(self.check_all(), ("degraded", {"database": "down"}))

    def test_a_dependency_is_checked_at_most_once_a_second(self) -> None:
        self.register(required=True)
        for after in (0.0, 0.4, 0.5):
            self.check_all(after)
        self.assertEqual(self.database.checks, 1)
        self.check_all(0.2)
        self.assertEqual(self.database.checks, 2)

    def test_a_change_of_state_is_logged_once(self) -> None:
        self.register(required=True)
        with self.assertLogs("main.util.web", "INFO") as logs:
            for self.database.is_down in (False, True, True, False, False):
                self.check_all()
        events = [(record.levelname, record.getMessage()) for record in logs.records]
        self.assertEqual(events, [("WARNING", "dependency.down"), ("INFO", "dependency.up")])
        details = vars(logs.records[0])
        self.assertEqual(details["dependency"], "database")
        self.assertEqual(details["error"], "ConnectionError: connection refused")
        self.assertIsNone(details["exc_info"])

    def test_a_check_has_a_deadline(self) -> None:
        remaining: list[float] = []
        check = Dependency(lambda: remaining.append(deadline.remaining()), required=True)
        register(self.app, "upstream", check)
        self.check_all()
        self.assertLessEqual(remaining[0], 1.0)

    def test_callers_do_not_wait_while_another_thread_checks(self) -> None:
        self.register(required=True)
        self.check_all()
        self.database.is_checked.clear()
        self.database.may_answer.clear()
        self.addCleanup(self.database.may_answer.set)
        slow = threading.Thread(target=self.check_all)
        slow.start()
        self.database.is_checked.wait(10)
        self.assertEqual(self.check_all(after=0.5), ("ok", {"database": "ok"}))
        self.database.may_answer.set()
        slow.join(10)
        self.assertEqual(self.database.checks, 2)

    def test_a_change_of_state_is_logged_once_if_slow_checks_overlap(self) -> None:
        self.register(required=True)
        self.database.is_down = True
        self.database.may_answer.clear()
        threads = [threading.Thread(target=self.check_all) for _ in range(2)]
        with self.assertLogs("main.util.web", "INFO") as logs:
            for thread in threads:
                thread.start()
                self.database.is_checked.wait(10)
                self.database.is_checked.clear()
            self.database.may_answer.set()
            for thread in threads:
                thread.join(10)
        self.assertEqual(self.database.checks, 2)
        self.assertEqual([record.getMessage() for record in logs.records], ["dependency.down"])
