"""Tests of how errors become problems."""

from typing import Any

import flask
from flask import Response
from flask_smorest import abort
from werkzeug.exceptions import TooManyRequests

from main.util.http_client import UpstreamTimeout, UpstreamUnavailable
from main.util.web import Blueprint
from test.case import ServiceCase

FAILURES: dict[str, Exception] = {
    "crash": RuntimeError("the password is hunter2"),
    "timeout": TimeoutError("hunter2"),
    "upstream-timeout": UpstreamTimeout("hunter2"),
    "upstream-unavailable": UpstreamUnavailable("hunter2"),
    "too-many": TooManyRequests(retry_after=7),
}

blueprint = Blueprint("failures", __name__, url_prefix="/failures")


@blueprint.route("/<name>")
def fail(name: str) -> None:
    raise FAILURES[name]


@blueprint.route("/abort")
def abort_with_headers() -> None:
    abort(503, message="Come back later.", headers={"Retry-After": "7"})


@blueprint.route("/teapot")
def teapot() -> None:
    flask.abort(Response("I am a teapot.", 418))


class TestErrors(ServiceCase):
    """Every error is a problem, which reveals nothing of the exception."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.app.register_blueprint(blueprint)

    def get_problem(self, name: str, status: int) -> dict[str, Any]:
        problem = self.assert_problem(self.client.get(f"/failures/{name}"), status)
        self.assertNotIn("hunter2", str(problem))
        return problem

    def test_an_unknown_path_is_404(self) -> None:
        self.assert_problem(self.client.get("/nothing/here"), 404)

    def test_a_method_that_is_not_allowed_is_405(self) -> None:
        response = self.client.delete("/livez")
        self.assert_problem(response, 405)
        self.assertIn("GET", response.headers["Allow"])

    def test_an_unhandled_exception_is_500_and_logged_as_an_error(self) -> None:
        with self.assertLogs("main", "ERROR") as logs:
            self.get_problem("crash", 500)
        self.assertEqual([record.getMessage() for record in logs.records], ["request.failed"])
        self.assertIn("hunter2", str(logs.records[0].exc_info))

    def test_a_missed_deadline_is_503_and_logged_as_a_warning(self) -> None:
        with self.assertLogs("main.util.web", "WARNING") as logs:
            self.get_problem("timeout", 503)
        self.assertEqual([record.getMessage() for record in logs.records], ["deadline.exceeded"])

    def test_a_failed_upstream_has_its_status_and_is_logged_as_a_warning(self) -> None:
        for name, status in {"upstream-timeout": 504, "upstream-unavailable": 503}.items():
            with self.subTest(name), self.assertLogs("main.application", "WARNING") as logs:
                self.get_problem(name, status)
                self.assertEqual([record.levelname for record in logs.records], ["WARNING"])

    def test_a_response_given_to_abort_is_sent_as_it_is(self) -> None:
        response = self.client.get("/failures/teapot")
        self.assertEqual((response.status_code, response.text), (418, "I am a teapot."))

    def test_the_headers_of_an_error_are_sent(self) -> None:
        for name, status in {"too-many": 429, "abort": 503}.items():
            response = self.client.get(f"/failures/{name}")
            self.assert_problem(response, status)
            self.assertEqual(response.headers["Retry-After"], "7")

    def test_the_message_of_abort_is_the_detail(self) -> None:
        self.assertEqual(self.get_problem("abort", 503)["detail"], "Come back later.")

    def test_mistakes_of_callers_are_logged_at_info_without_their_data(self) -> None:
        headers = {"Authorization": "Bearer hunter2", "Cookie": "session=hunter2"}
        calls: dict[int, dict[str, Any]] = {
            404: {"path": "/hunter2", "method": "GET"},
            405: {"path": "/livez", "method": "POST", "json": {"password": "hunter2"}},
        }
        for status, call in calls.items():
            with self.subTest(status), self.assertLogs(level="DEBUG") as logs:
                self.assert_problem(self.client.open(headers=headers, **call), status)
                self.assertEqual([record.levelname for record in logs.records], ["INFO"])
                self.assertNotIn("hunter2", str(vars(logs.records[0])))
