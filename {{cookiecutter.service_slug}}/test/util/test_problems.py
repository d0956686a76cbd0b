"""Problems."""

from typing import Any

import flask
import marshmallow as ma
from flask import Flask, Response
from flask_smorest import abort
from werkzeug.exceptions import TooManyRequests

from main.util import problems
from main.util.http import UpstreamRejected, UpstreamTimeout
from main.util.schema import Blueprint
from test.case import ServiceCase


class Body(ma.Schema):
    number = ma.fields.Integer(required=True)


def add_failures(app: Flask) -> None:
    """Add endpoints that fail in all ways."""
    blueprint = Blueprint("failures", __name__, url_prefix="/failures")

    @blueprint.route("/crash")
    def crash() -> None:
        raise RuntimeError("the password is hunter2")

    @blueprint.route("/timeout")
    def timeout() -> None:
        raise TimeoutError("hunter2")

    @blueprint.route("/upstream/<kind>")
    def upstream(kind: str) -> None:
        raise UpstreamTimeout("hunter2") if kind == "timeout" else UpstreamRejected("hunter2", 401)

    @blueprint.route("/known")
    def known() -> None:
        flask.abort(Response("I am a teapot.", 418))

    @blueprint.route("/busy")
    def busy() -> None:
        abort(503, message="Come back later.", headers={"Retry-After": "7"})

    @blueprint.route("/often")
    def often() -> None:
        raise TooManyRequests(retry_after=7)

    @blueprint.route("/body", methods=["POST"])
    @blueprint.arguments(Body())
    @blueprint.response(200, Body())
    def body(data: dict[str, int]) -> dict[str, int]:
        return data

    @blueprint.route("/header")
    @blueprint.arguments(Body(unknown=ma.EXCLUDE), location="headers")
    def header(data: dict[str, int]) -> dict[str, int]:
        return data

    @blueprint.route("/query")
    @blueprint.arguments(Query, location="query")
    def query(data: dict[str, Any]) -> dict[str, Any]:
        return data

    problems.ProblemApi(app, config_prefix="TEST_").register_blueprint(blueprint)


class Query(ma.Schema):
    one = ma.fields.Integer()
    many = ma.fields.List(ma.fields.Integer())


class TestProblems(ServiceCase):
    """Whatever goes wrong has the same shape, and says no more than it should."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        for name in ("API_TITLE", "API_VERSION", "OPENAPI_VERSION"):
            cls.app.config[f"TEST_{name}"] = cls.app.config[name]
        add_failures(cls.app)

    def test_an_unknown_path(self) -> None:
        self.assert_problem(self.client.get("/nothing/here"), 404)

    def test_a_method_that_is_not_allowed(self) -> None:
        response = self.client.delete("/livez")
        self.assert_problem(response, 405)
        self.assertIn("GET", response.headers["Allow"])

    def test_a_crash_is_logged_and_tells_nothing(self) -> None:
        with self.assertLogs("main", "ERROR") as logs:
            problem = self.assert_problem(self.client.get("/failures/crash"), 500)
        self.assertNotIn("hunter2", str(problem))
        self.assertEqual([record.getMessage() for record in logs.records], ["request.failed"])
        self.assertIn("hunter2", str(logs.records[0].exc_info))

    def test_what_callers_send_is_not_logged(self) -> None:
        headers = {"Authorization": "Bearer hunter2", "Cookie": "session=hunter2"}
        body = {"number": "hunter2"}
        with self.assertLogs("main", "DEBUG") as logs:
            answer = self.client.post("/failures/body?token=hunter2", json=body, headers=headers)
        self.assert_problem(answer, 422)
        self.assertNotIn("hunter2", str([vars(record) for record in logs.records]))

    def test_work_that_is_late(self) -> None:
        with self.assertLogs("main.util.problems", "WARNING"):
            problem = self.assert_problem(self.client.get("/failures/timeout"), 503)
        self.assertNotIn("hunter2", str(problem))

    def test_another_service_that_fails(self) -> None:
        for kind, status in {"timeout": 504, "rejected": 502}.items():
            with self.subTest(kind), self.assertLogs("main.util.problems", "WARNING"):
                problem = self.assert_problem(self.client.get(f"/failures/upstream/{kind}"), status)
                self.assertNotIn("hunter2", str(problem))

    def test_an_answer_that_is_ready_made_stays_as_it_is(self) -> None:
        response = self.client.get("/failures/known")
        self.assertEqual((response.status_code, response.text), (418, "I am a teapot."))

    def test_headers_that_belong_to_the_error(self) -> None:
        with self.assertNoLogs("main.util.problems"):  # it is no fault of the caller's
            response = self.client.get("/failures/busy")
        self.assertEqual(self.assert_problem(response, 503)["detail"], "Come back later.")
        self.assertEqual(response.headers["Retry-After"], "7")
        response = self.client.get("/failures/often")
        self.assert_problem(response, 429)
        self.assertEqual(response.headers["Retry-After"], "7")

    def test_a_good_body(self) -> None:
        response = self.client.post("/failures/body", json={"number": 7})
        self.assertEqual((response.status_code, response.get_json()), (200, {"number": 7}))

    def test_a_body_that_is_not_json(self) -> None:
        for body in ("", "{", "\xff", b'{"\xff": 1}', "[" * 100_000, '{"number": 1e}'):
            with self.subTest(body[:20]):
                response = self.client.post(
                    "/failures/body", data=body, content_type="application/json"
                )
                self.assert_problem(response, 400)

    def test_a_body_of_another_type(self) -> None:
        for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
            with self.subTest(kind):
                response = self.client.post("/failures/body", data="{}", content_type=kind)
                self.assert_problem(response, 415)

    def test_fields_that_are_wrong_are_named(self) -> None:
        for body, field in (({}, "number"), ({"number": "x"}, "number"), ({"extra": 1}, "extra")):
            with self.subTest(body):
                response = self.client.post("/failures/body", json=body)
                self.assertIn(field, self.assert_problem(response, 422)["errors"]["json"])

    def test_a_query_holds_values_and_lists(self) -> None:
        response = self.client.get("/failures/query?one=1&many=2&many=3")
        self.assertEqual(response.get_json(), {"one": 1, "many": [2, 3]})
        self.assertEqual(self.client.get("/failures/query?many=2").get_json(), {"many": [2]})
        problem = self.assert_problem(self.client.get("/failures/query?other=1&one=x"), 422)
        self.assertEqual(set(problem["errors"]["query"]), {"other", "one"})

    def test_a_query_is_utf_8(self) -> None:
        for query in (b"one=\xff", b"\xc3"):
            environ = {"QUERY_STRING": query.decode("latin-1")}
            response = self.client.get("/failures/query", environ_overrides=environ)
            self.assert_problem(response, 400)

    def test_other_places_are_read_as_well(self) -> None:
        response = self.client.get("/failures/header", headers={"number": "7"})
        self.assertEqual(response.get_json(), {"number": 7})
        problem = self.assert_problem(self.client.get("/failures/header"), 422)
        self.assertEqual(list(problem["errors"]["headers"]), ["number"])

    def test_a_body_that_is_too_large(self) -> None:
        large = b" " * (self.app.config["MAX_CONTENT_LENGTH"] + 1)
        response = self.client.post("/failures/body", data=large, content_type="application/json")
        self.assert_problem(response, 413)
