"""Tests of GET /livez and GET /readyz."""

import unittest

from flask import Flask
from flask.testing import FlaskClient

from main.controller import health
from main.util.web import Dependency
from test.case import ServiceCase


def up() -> None: ...


def down() -> None:
    raise ConnectionError("connection refused")


def client_with(**dependencies: Dependency) -> FlaskClient:
    """Return a client of an application that has these dependencies and no others."""
    app = Flask(__name__)
    app.register_blueprint(health.blueprint)
    app.extensions["dependencies"] = dependencies
    return app.test_client()


class TestLiveness(ServiceCase):
    """GET /livez checks nothing."""

    def test_it_is_ok(self) -> None:
        response = self.client.get("/livez")
        self.assertEqual((response.status_code, response.get_json()), (200, {"status": "ok"}))


class TestReadiness(unittest.TestCase):
    """GET /readyz checks the dependencies."""

    def test_it_is_ok_while_all_dependencies_are_up(self) -> None:
        response = client_with(database=Dependency(up, required=True)).get("/readyz")
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.get_json(), {"status": "ok", "checks": {"database": "ok"}})

    def test_it_is_degraded_without_a_dependency_that_is_not_required(self) -> None:
        response = client_with(cache=Dependency(down, required=False)).get("/readyz")
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.get_json(), {"status": "degraded", "checks": {"cache": "down"}})

    def test_it_is_a_503_without_a_required_dependency(self) -> None:
        dependencies = {
            "cache": Dependency(up, required=False),
            "database": Dependency(down, required=True),
        }
        response = client_with(**dependencies).get("/readyz")
        self.assertEqual(response.status_code, 503)
        self.assertEqual(response.get_json()["checks"], {"cache": "ok", "database": "down"})


class TestCacheDependency(ServiceCase):
    """The application registers its cache."""

    def test_readiness_reports_the_cache(self) -> None:
        self.assertEqual(self.client.get("/readyz").get_json()["checks"]["cache"], "ok")
