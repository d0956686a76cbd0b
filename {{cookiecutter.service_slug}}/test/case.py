"""What the cases share: an application that was made from a known environment."""

import os
import unittest
from contextvars import copy_context
from typing import Any, ClassVar
from unittest import mock

from flask import Flask
from flask.testing import FlaskClient

from main import create_app
from main.util import cache


class ServiceCase(unittest.TestCase):
    """A test with an application and its client; `environment` holds its settings."""

    environment: ClassVar[dict[str, str]] = {}

    app: ClassVar[Flask]
    client: FlaskClient

    @classmethod
    def setUpClass(cls) -> None:
        """Make the application, whatever the environment of the tests is."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("APP_")}
        with mock.patch.dict(os.environ, clean, clear=True):
            cls.app = create_app({"APP_LOG_LEVEL": "ERROR", **cls.environment})

    def setUp(self) -> None:
        """Begin with an empty cache."""
        self.client = self.app.test_client()
        cache.clear()

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """Run the test in a context of its own: a request leaves its deadline in the thread."""
        return copy_context().run(super().run, result)

    def assert_problem(self, response: Any, status: int) -> dict[str, Any]:
        """Assert that the answer is a problem of this status; return its members."""
        self.assertEqual(response.status_code, status)
        self.assertEqual(response.content_type, "application/problem+json")
        problem: dict[str, Any] = response.get_json()
        self.assertEqual(problem["status"], status)
        self.assertEqual(problem["type"], "about:blank")
        self.assertEqual(problem["request_id"], response.headers["X-Request-ID"])
        return problem
