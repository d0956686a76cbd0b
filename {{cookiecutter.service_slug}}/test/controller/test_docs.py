"""Tests of the API's documentation."""

import re
from collections.abc import Hashable, Iterator
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

from test.case import ServiceCase


class TestPage(ServiceCase):
    """The page at /docs/ works without other hosts."""

    def test_the_page_and_its_files_are_served(self) -> None:
        with self.client.get("/docs/") as page:
            html = page.get_data(as_text=True)
        names = re.findall(r'(?:src|href)="([^"]+)"', html)
        self.assertGreaterEqual(len(names), 4)
        for name in names:
            with self.subTest(name), self.client.get(f"/docs/{name}") as response:
                self.assertEqual(response.status_code, 200)

    def test_its_content_security_policy_is_strict(self) -> None:
        with self.client.get("/docs/") as page:
            policy = page.headers["Content-Security-Policy"]
        self.assertTrue(policy.startswith("default-src 'none';"))
        self.assertNotIn("unsafe", policy)

    def test_browsers_ask_whether_a_file_has_changed(self) -> None:
        lifetimes = {"/docs/": "no-cache", "/docs/init.js": "public, max-age=3600"}
        for path, lifetime in lifetimes.items():
            with self.subTest(path), self.client.get(path) as response:
                self.assertEqual(response.headers["Cache-Control"], lifetime)
                self.assertNotIn("Expires", response.headers)
                headers = {"If-None-Match": response.headers["ETag"]}
            with self.client.get(path, headers=headers) as response:
                self.assertEqual(response.status_code, 304)

    def test_other_names_are_not_found(self) -> None:
        for name in ("nothing.js", "index.css", "..%2finit.js", "LICENSE"):
            with self.subTest(name):
                self.assert_problem(self.client.get(f"/docs/{name}"), 404)


class TestRedirects(ServiceCase):
    """Redirects to the page are relative: they do not repeat the caller's Host header."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.app.add_url_rule("/pets/", view_func=lambda: "")
        cls.app.add_url_rule("/", "pets", defaults={"item": 1}, view_func=lambda item: "")
        cls.app.add_url_rule("/items/<int:item>", "pets")

    def test_a_browser_is_redirected_to_the_page(self) -> None:
        for path in ("/", "/docs"):
            response = self.client.get(path, headers={"Host": "evil.example"})
            with self.subTest(path):
                self.assertEqual((response.status_code, response.location), (302, "docs/"))

    def test_there_are_no_automatic_redirects(self) -> None:
        for path, status in {"/pets": 200, "/docs//x": 404, "/items/1": 200}.items():
            with self.subTest(path):
                self.assertEqual(self.client.get(path).status_code, status)


class TestDocument(ServiceCase):
    """The OpenAPI document is valid and complete."""

    document: dict[Hashable, Any]

    def setUp(self) -> None:
        super().setUp()
        self.document = self.client.get("/docs/openapi.json").get_json()

    def operations(self) -> list[tuple[str, dict[str, Any]]]:
        """Return each operation with its method and path."""
        return [
            (f"{method} {path}", operation)
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
            if method != "parameters"
        ]

    def test_it_is_valid(self) -> None:
        self.assertEqual(self.document["openapi"], "3.1.0")
        OpenAPIV31SpecValidator(self.document).validate()

    def test_every_operation_has_an_id_a_summary_and_its_errors(self) -> None:
        self.assertGreaterEqual(len(self.operations()), 2)
        for name, operation in self.operations():
            with self.subTest(name):
                self.assertRegex(operation["operationId"], r"^[a-z]+_\w+$")
                self.assertTrue(operation["summary"].endswith("."))
                self.assertIn("default", operation["responses"])

    def test_operations_with_a_body_list_its_errors(self) -> None:
        for name, operation in self.operations():
            listed = {"400", "413", "415", "422"} <= set(operation["responses"])
            with self.subTest(name):
                self.assertEqual("requestBody" in operation, listed)

    def test_problems_may_have_additional_members(self) -> None:
        problem = self.document["components"]["schemas"]["Problem"]
        self.assertIs(problem["additionalProperties"], True)
        self.assertEqual(set(problem["required"]), {"type", "title", "status"})

    def test_errors_are_documented_as_problems(self) -> None:
        for name, response in self.document["components"]["responses"].items():
            with self.subTest(name):
                self.assertEqual(list(response["content"]), ["application/problem+json"])

    def test_lists_in_requests_have_a_maximum_length(self) -> None:
        for name, operation in self.operations():
            for node in self.nodes(operation.get("requestBody"), set()):
                if "array" in node.get("type", ()):
                    with self.subTest(name, list=node):
                        self.assertIn("maxItems", node, "Add validate=ma.validate.Length(max=…).")

    def nodes(self, node: Any, seen: set[str]) -> Iterator[dict[str, Any]]:
        """Yield each object in a part of the document, and in the components it refers to."""
        if not isinstance(node, dict):
            return
        yield node
        reference = node.get("$ref", "")
        if reference and reference not in seen:
            *_, kind, name = reference.split("/")
            yield from self.nodes(self.document["components"][kind][name], seen | {reference})
        for value in node.values():
            yield from self.nodes(value, seen)
