"""Tests of who may call: an operation is documented as public, or it requires a token."""

import re
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from test.case import ServiceCase

# The document leaves out these blueprints and this endpoint, which are public.
UNDOCUMENTED = {"api-docs", "docs", "metrics", "static"}


class TestAccess(ServiceCase):
    """No operation is public by mistake."""

    document: dict[str, Any]

    def setUp(self) -> None:
        super().setUp()
        self.document = self.client.get("/docs/openapi.json").get_json()

    def is_documented_as_public(self, rule: Rule, method: str) -> bool:
        path = re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule)
        operation = self.document["paths"].get(path, {}).get(method.lower(), {})
        return bool(operation) and not operation["security"]

    def requires_a_token(self, rule: Rule, method: str) -> bool:
        with self.app.test_request_context(method=method) as context:
            context.request.url_rule = rule
            try:
                self.app.preprocess_request()
            except HTTPException as refusal:
                return refusal.code == 401
        return False

    def test_an_operation_that_is_not_documented_as_public_requires_a_token(self) -> None:
        for rule in self.app.url_map.iter_rules():
            if rule.endpoint.partition(".")[0] in UNDOCUMENTED:
                continue
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                with self.subTest(rule.rule, method=method):
                    public = self.is_documented_as_public(rule, method)
                    self.assertNotEqual(self.requires_a_token(rule, method), public)

    def test_a_secured_operation_documents_its_scheme_and_its_refusals(self) -> None:
        schemes = self.document["components"]["securitySchemes"]
        for path, operations in self.document["paths"].items():
            for method, operation in operations.items():
                if method == "parameters":
                    continue
                for requirement in operation.get("security", []):
                    with self.subTest(path, method=method):
                        self.assertEqual(
                            [schemes[name]["scheme"] for name in requirement], ["bearer"]
                        )
                        self.assertLessEqual({"401", "403"}, operation["responses"].keys())
