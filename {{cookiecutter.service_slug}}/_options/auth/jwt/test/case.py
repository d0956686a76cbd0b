"""The base classes of tests."""

import unittest
from contextvars import copy_context
from typing import Any, ClassVar

from flask.testing import FlaskClient

from main.application import create_app
from main.util import cache
from main.util.concurrency import Pools, PoolSettings
from main.util.config import Scope
from main.util.web import Application
from test.issuer import every_scope, make_token

POOLS = Pools(PoolSettings())


class IsolatedCase(unittest.TestCase):
    """A test in a context and a scope of its own.

    It starts without a request, a deadline, or objects that another test has created, and
    nothing that it sets in its context has to be undone. Only the pools are those of all tests,
    because processes take long to start.
    """

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """Run the test."""
        context = copy_context()
        scope = Scope()
        scope.put(Pools, POOLS)
        context.run(scope.activate)
        return context.run(super().run, result)


class ServiceCase(IsolatedCase):
    """A test with an application and its client; `environment` has the settings that differ."""

    environment: ClassVar[dict[str, str]] = {}

    app: ClassVar[Application]
    client: FlaskClient

    @classmethod
    def setUpClass(cls) -> None:
        """Create the application."""
        cls.app = create_app(cls.environment)
        cls.app.extensions["scope"].put(Pools, POOLS)

    def setUp(self) -> None:
        """Start with an empty cache."""
        self.app.extensions["scope"].activate()
        self.client = self.app.test_client()
        # `self.app.test_client()` calls without a token.
        self.client.environ_base["HTTP_AUTHORIZATION"] = (
            f"Bearer {make_token(*every_scope(self.app))}"
        )
        cache.clear()

    def assert_problem(self, response: Any, status: int) -> dict[str, Any]:
        """Assert that the response is a problem with this status; return its members."""
        self.assertEqual(response.status_code, status)
        self.assertEqual(response.content_type, "application/problem+json")
        problem: dict[str, Any] = response.get_json()
        self.assertEqual(problem["status"], status)
        self.assertEqual(problem["type"], "about:blank")
        self.assertEqual(problem["request_id"], response.headers["X-Request-ID"])
        return problem
