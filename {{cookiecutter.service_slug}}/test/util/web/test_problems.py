"""Tests of problems, and of how errors become problems."""

from typing import Any, NoReturn

from werkzeug.exceptions import TooManyRequests

from main.util.context import start_request_id
from main.util.http_client import UpstreamTimeout, UpstreamUnavailable
from main.util.web import abort, problem
from test.case import IsolatedCase, ServiceCase

FAILURES: dict[str, Exception] = {
    "crash": RuntimeError("the password is hunter2"),
    "timeout": TimeoutError("hunter2"),
    "upstream-timeout": UpstreamTimeout("hunter2"),
    "upstream-unavailable": UpstreamUnavailable("hunter2"),
    "too-many": TooManyRequests("Slow down.", retry_after=7),
}
# Two errors in each of eleven items.
NESTED = {"json": {"pets": {number: {"age": ["Low.", "Odd."]} for number in range(11)}}}


def fail(name: str) -> Any:
    raise FAILURES[name]


def abort_with_headers() -> NoReturn:
    abort(503, message="Come back later.", headers={"Retry-After": "7"})


def abort_with_errors() -> NoReturn:
    abort(422, messages=NESTED)


class TestProblem(IsolatedCase):
    def test_it_has_the_standard_members_and_the_request_id(self) -> None:
        start_request_id("0123456789abcdef")
        expected = {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": "There is no such pet.",
            "request_id": "0123456789abcdef",
        }
        self.assertEqual(problem(404, "There is no such pet.").get_json(), expected)

    def test_the_title_is_the_phrase_of_rfc_9110(self) -> None:
        for status, phrase in (
            (413, "Content Too Large"),
            (414, "URI Too Long"),
            (416, "Range Not Satisfiable"),
            (422, "Unprocessable Content"),
        ):
            self.assertEqual(problem(status).get_json()["title"], phrase)

    def test_members_and_headers_can_be_added_and_empty_ones_are_omitted(self) -> None:
        response = problem(409, headers={"Retry-After": "7"}, balance=30)
        self.assertEqual(set(response.get_json()), {"type", "title", "status", "balance"})
        self.assertEqual(response.headers["Retry-After"], "7")

    def test_a_large_problem_is_sent_without_its_detail_and_additional_members(self) -> None:
        largest = "x" * (16_384 - len(problem(409, "x").data) + 1)
        self.assertEqual(problem(409, largest).get_json()["detail"], largest)
        for members in ({"detail": f"{largest}x"}, {"pets": "x" * 16_384}):
            response = problem(409, headers={"Retry-After": "7"}, **members)
            self.assertEqual(set(response.get_json()), {"type", "title", "status"})
            self.assertEqual(response.headers["Retry-After"], "7")


class TestErrors(ServiceCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.app.add_url_rule("/failures/<name>", view_func=fail)
        cls.app.add_url_rule("/failures/headers", view_func=abort_with_headers)
        cls.app.add_url_rule("/failures/errors", view_func=abort_with_errors)

    def get_problem(self, name: str, status: int, **headers: str) -> dict[str, Any]:
        response = self.client.get(f"/failures/{name}")
        members = self.assert_problem(response, status)
        self.assertNotIn("hunter2", str(members))
        self.assertLessEqual(headers.items(), dict(response.headers).items())
        return members

    def test_a_failure_is_a_problem_and_one_event(self) -> None:
        for name, status, event in (
            ("crash", 500, "ERROR:main.util.web.application:request.failed"),
            ("timeout", 503, "WARNING:main.application:deadline.exceeded"),
            ("upstream-timeout", 504, "WARNING:main.application:upstream.failed"),
            ("upstream-unavailable", 503, "WARNING:main.application:upstream.failed"),
        ):
            with self.subTest(name), self.assertLogs() as logs:
                self.get_problem(name, status)
                self.assertEqual([line.partition("\n")[0] for line in logs.output], [event])
                self.assertIn("hunter2", str(logs.records[0].exc_info))

    def test_the_detail_and_the_headers_of_an_error_are_sent(self) -> None:
        cases = (("too-many", 429, "Slow down."), ("headers", 503, "Come back later."))
        with self.assertLogs("main.util.web", "INFO") as logs:
            for name, status, detail in cases:
                members = self.get_problem(name, status, **{"Retry-After": "7"})
                self.assertEqual(members["detail"], detail)
                self.assertNotIn("errors", members)
        self.assertEqual([vars(record)["status"] for record in logs.records], [429])

    def test_the_first_twenty_errors_are_sent(self) -> None:
        pets = self.get_problem("errors", 422)["errors"]["json"]["pets"]
        self.assertEqual(pets, {str(number): {"age": ["Low.", "Odd."]} for number in range(10)})

    def test_mistakes_of_callers_are_logged_at_info_without_their_data(self) -> None:
        headers = {"Authorization": "Bearer hunter2", "Cookie": "session=hunter2"}
        calls: dict[int, dict[str, Any]] = {
            404: {"path": "/hunter2", "method": "GET"},
            405: {"path": "/livez", "method": "POST", "json": {"password": "hunter2"}},
        }
        for status, call in calls.items():
            with self.subTest(status), self.assertLogs(level="DEBUG") as logs:
                response = self.client.open(headers=headers, **call)
                self.assert_problem(response, status)
                self.assertEqual("GET" in response.headers.get("Allow", ""), status == 405)
                self.assertEqual(logs.output, ["INFO:main.util.web.problems:request.refused"])
                self.assertEqual(vars(logs.records[0])["status"], status)
                self.assertNotIn("hunter2", str(vars(logs.records[0])))
