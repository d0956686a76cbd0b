"""Docs."""

import re
from collections.abc import Hashable
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

from test.case import ServiceCase


class TestPage(ServiceCase):
    """The page needs nothing from elsewhere."""

    def test_the_page_and_all_that_it_names_is_served(self) -> None:
        with self.client.get("/docs/") as page:
            html = page.get_data(as_text=True)
        names = re.findall(r'(?:src|href)="([^"]+)"', html)
        self.assertGreaterEqual(len(names), 4)
        for name in names:
            with self.subTest(name), self.client.get(f"/docs/{name}") as response:
                self.assertEqual(response.status_code, 200)

    def test_its_policy_is_strict(self) -> None:
        with self.client.get("/docs/") as page:
            policy = page.headers["Content-Security-Policy"]
        self.assertTrue(policy.startswith("default-src 'none';"))
        self.assertNotIn("unsafe", policy)

    def test_other_names_are_not_found(self) -> None:
        for name in ("nothing.js", "index.css", "..%2finit.js", "LICENSE"):
            with self.subTest(name):
                self.assert_problem(self.client.get(f"/docs/{name}"), 404)


class TestDocument(ServiceCase):
    """The OpenAPI document is valid and complete."""

    document: dict[Hashable, Any]

    def setUp(self) -> None:
        super().setUp()
        self.document = self.client.get("/docs/openapi.json").get_json()

    def operations(self) -> list[tuple[str, dict[str, Any]]]:
        """Return each operation with its name."""
        return [
            (f"{method} {path}", operation)
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
            if method != "parameters"
        ]

    def test_it_is_valid(self) -> None:
        self.assertEqual(self.document["openapi"], "3.1.0")
        OpenAPIV31SpecValidator(self.document).validate()

    def test_every_operation_is_told_in_words_and_with_its_errors(self) -> None:
        self.assertGreaterEqual(len(self.operations()), 2)
        for name, operation in self.operations():
            with self.subTest(name):
                self.assertTrue(operation["summary"].endswith("."))
                self.assertIn("default", operation["responses"])

    def test_what_may_be_wrong_with_a_body_is_told(self) -> None:
        for name, operation in self.operations():
            told = {"400", "413", "415", "422"} <= set(operation["responses"])
            with self.subTest(name):
                self.assertEqual("requestBody" in operation, told)

    def test_problems_may_have_members_of_their_own(self) -> None:
        problem = self.document["components"]["schemas"]["Problem"]
        self.assertIs(problem["additionalProperties"], True)
        self.assertEqual(set(problem["required"]), {"type", "title", "status"})

    def test_errors_are_documented_as_problems(self) -> None:
        for name, response in self.document["components"]["responses"].items():
            with self.subTest(name):
                self.assertEqual(list(response["content"]), ["application/problem+json"])
