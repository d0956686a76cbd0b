"""Tests of the problem format."""

from typing import Any

from main.util.context import start_request_id
from main.util.web import problem
from main.util.web.problems import MAX_ERRORS, MAX_PROBLEM, limit_errors
from test.case import IsolatedCase


class TestProblem(IsolatedCase):
    """problem() creates a response in the format of RFC 9457."""

    def test_it_has_the_standard_members_and_the_request_id(self) -> None:
        start_request_id("0123456789abcdef")
        response = problem(404, "There is no such pet.")
        self.assertEqual(response.status_code, 404)
        self.assertEqual(response.content_type, "application/problem+json")
        self.assertEqual(
            response.get_json(),
            {
                "type": "about:blank",
                "title": "Not Found",
                "status": 404,
                "detail": "There is no such pet.",
                "request_id": "0123456789abcdef",
            },
        )

    def test_members_without_a_value_are_omitted(self) -> None:
        self.assertEqual(set(problem(409).get_json()), {"type", "title", "status"})

    def test_members_and_headers_can_be_added(self) -> None:
        response = problem(409, headers={"Retry-After": "7"}, balance=30)
        self.assertEqual(response.get_json()["balance"], 30)
        self.assertEqual(response.headers["Retry-After"], "7")

    def test_a_large_problem_is_sent_without_its_detail_and_additional_members(self) -> None:
        for detail, pets in (("", "x" * MAX_PROBLEM), ("\x00" * MAX_PROBLEM, "")):
            members = problem(409, detail, pets=pets).get_json()
            self.assertEqual(set(members), {"type", "title", "status"})


class TestLimitErrors(IsolatedCase):
    """limit_errors() bounds the errors that a caller gets."""

    def test_few_errors_are_returned_as_they_are(self) -> None:
        errors = {"json": {"name": ["Missing."], "pets": {"0": {"age": ["Too low.", "Odd."]}}}}
        self.assertEqual(limit_errors(errors), errors)
        self.assertEqual(limit_errors({"name": "Taken."}), {"name": ["Taken."]})

    def test_the_first_errors_are_returned_of_many(self) -> None:
        many: list[Any] = [
            {"json": {str(number): ["Unknown field."] for number in range(1000)}},
            {"json": {"pets": {number: ["Too low."] for number in range(1000)}, "name": ["Odd."]}},
            {"json": [f"Message {number}." for number in range(1000)]},
        ]
        for errors in many:
            with self.subTest(str(errors)[:40]):
                self.assertEqual(str(limit_errors(errors)).count("."), MAX_ERRORS)

    def test_long_names_and_messages_are_cut(self) -> None:
        self.assertEqual(limit_errors({"x" * 999: ["y" * 999]}), {"x" * 100: ["y" * 100]})
