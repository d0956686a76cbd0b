"""Tests of the blueprint's decorators."""

import unittest
from dataclasses import dataclass
from typing import Any

import marshmallow as ma
from flask import Flask

from main.util.web import Blueprint, MethodView, problem
from main.util.web.api import ProblemApi
from main.util.web.json import MsgspecJSONProvider

CONFIG = {
    "API_TITLE": "Pets",
    "API_VERSION": "1",
    "OPENAPI_VERSION": "3.1.0",
    "OPENAPI_URL_PREFIX": "/docs",
}


@dataclass
class Pet:
    name: str
    weight: float = 3.5


class PetSchema(ma.Schema):
    name = ma.fields.String(required=True)


def respond(result: Any, status: int = 200, schema: ma.Schema | None = None) -> Any:
    """Return the response of a view that returns this result."""
    blueprint = Blueprint("pets", __name__)

    @blueprint.route("/")
    @blueprint.response(status, schema)
    def view() -> Any:
        return result

    app = Flask(__name__)
    app.register_blueprint(blueprint)
    return app.test_client().get("/")


class TestResponse(unittest.TestCase):
    """Blueprint.response() turns what a view returns into a response."""

    def test_the_schema_dumps_the_result(self) -> None:
        response = respond(Pet("Rex"), 201, PetSchema())
        self.assertEqual((response.status_code, response.get_json()), (201, {"name": "Rex"}))

    def test_a_view_may_add_headers(self) -> None:
        response = respond((Pet("Rex"), {"Location": "/pets/1"}), 201, PetSchema())
        self.assertEqual((response.status_code, response.headers["Location"]), (201, "/pets/1"))

    def test_a_view_may_choose_another_status(self) -> None:
        for status in (202, "202 Accepted"):
            self.assertEqual(respond((Pet("Rex"), status), 200, PetSchema()).status_code, 202)

    def test_a_view_may_return_a_response(self) -> None:
        response = respond((problem(409, "Rex exists."), {"X-Pet": "1"}), 201, PetSchema())
        self.assertEqual((response.status_code, response.headers["X-Pet"]), (409, "1"))

    def test_a_view_may_return_nothing(self) -> None:
        response = respond(None, 204)
        self.assertEqual((response.status_code, response.data), (204, b""))


class TestMethodView(unittest.TestCase):
    """A MethodView has a method for each HTTP method."""

    def setUp(self) -> None:
        blueprint = Blueprint("pets", __name__)

        @blueprint.route("/<int:number>")
        class PetView(MethodView):
            @blueprint.response(200)
            def get(self, number: int) -> int:
                return number

            @blueprint.response(204)
            def delete(self, number: int) -> None: ...

        app = Flask(__name__)
        app.register_blueprint(blueprint)
        self.client = app.test_client()

    def test_it_calls_the_method_with_the_arguments_of_the_path(self) -> None:
        self.assertEqual(self.client.get("/7").data, b"7")
        self.assertEqual(self.client.delete("/7").status_code, 204)

    def test_head_is_get_without_a_body(self) -> None:
        response = self.client.head("/7")
        self.assertEqual((response.data, response.content_length), (b"", 1))

    def test_other_methods_are_not_allowed(self) -> None:
        response = self.client.post("/7")
        self.assertEqual(response.status_code, 405)
        self.assertEqual(set(response.headers["Allow"].split(", ")), self.allowed)
        self.assertEqual(set(self.client.options("/7").headers["Allow"].split(", ")), self.allowed)

    allowed = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


class TestCoroutineFunctions(unittest.TestCase):
    """No view is a coroutine function: nothing would await it."""

    def test_a_coroutine_function_is_refused(self) -> None:
        blueprint = Blueprint("pets", __name__)
        with self.assertRaisesRegex(TypeError, "view must be a plain function; got a coroutine"):

            @blueprint.route("/")
            @blueprint.arguments(PetSchema())
            @blueprint.response(200, PetSchema())
            async def view() -> None: ...

    def test_a_coroutine_method_is_refused(self) -> None:
        blueprint = Blueprint("pets", __name__)
        with self.assertRaisesRegex(TypeError, r"View\.post must be a plain function"):

            @blueprint.route("/")
            class View(MethodView):
                def get(self) -> None: ...

                @blueprint.response(200)
                async def post(self) -> None: ...


class TestDocumentation(unittest.TestCase):
    """The decorators keep the documentation that flask-smorest makes."""

    def test_an_operation_has_an_id_its_arguments_and_its_responses(self) -> None:
        blueprint = Blueprint("pets", __name__)

        @blueprint.route("/pets/<int:number>", methods=["PUT"])
        @blueprint.arguments(PetSchema())
        @blueprint.response(201, PetSchema())
        @blueprint.alt_response(409, "CONFLICT")
        def put(pet: Pet, number: int) -> Pet:
            """Save a pet."""
            return pet

        app = Flask(__name__)
        app.json = MsgspecJSONProvider(app)
        app.config.from_mapping(CONFIG)
        ProblemApi(app).register_blueprint(blueprint)
        document = app.test_client().get("/docs/openapi.json").get_json()
        operation = document["paths"]["/pets/{number}"]["put"]
        self.assertEqual(operation["operationId"], "put_pets_number")
        self.assertEqual(operation["summary"], "Save a pet.")
        self.assertIn("application/json", operation["requestBody"]["content"])
        self.assertIn("application/json", operation["responses"]["201"]["content"])
        statuses = {"201", "400", "409", "413", "415", "422", "default"}
        self.assertEqual(set(operation["responses"]), statuses)
