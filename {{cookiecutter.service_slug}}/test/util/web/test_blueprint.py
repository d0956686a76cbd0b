from typing import Any

import marshmallow as ma
from flask.views import MethodView
from webargs.fields import DelimitedList

from main.util.web import BaseSchema, Blueprint, problem
from test.case import ServiceCase

blueprint = Blueprint("pets", __name__, url_prefix="/pets")


class PetSchema(BaseSchema):
    name = ma.fields.String(required=True)
    tags = ma.fields.List(ma.fields.String(), validate=ma.validate.Length(max=3))
    parent = ma.fields.Nested(lambda: PetSchema())


class SearchSchema(ma.Schema):
    age = ma.fields.Integer()
    tags = ma.fields.List(ma.fields.String(), data_key="tag")
    ids = DelimitedList(ma.fields.Integer())


@blueprint.route("", methods=["POST"])
@blueprint.arguments(PetSchema())
@blueprint.response(201, PetSchema())
@blueprint.alt_response(409, "CONFLICT")
def create(pet: dict[str, Any]) -> Any:
    return {
        "Headers": (pet, {"Location": "/pets/1"}),
        "Status": (pet, 202),
        "Both": (pet, 202, {"Location": "/pets/1"}),
        "Response": problem(409),
    }.get(pet["name"], pet)


@blueprint.route("")
@blueprint.arguments(SearchSchema(), location="query")
@blueprint.response(200)
def search(query: dict[str, Any]) -> dict[str, Any]:
    return query


@blueprint.route("/header")
@blueprint.arguments(SearchSchema(), location="headers")
@blueprint.response(204)
def read_header(headers: dict[str, Any]) -> None:
    assert headers["age"] == 7


@blueprint.route("/optional", methods=["POST"])
@blueprint.arguments(SearchSchema(), required=False)
@blueprint.response(200)
def search_by_body(query: dict[str, Any]) -> dict[str, Any]:
    return query


class BlueprintCase(ServiceCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.app.extensions["flask-smorest"]["apis"][""]["ext_obj"].register_blueprint(blueprint)

    def post(self, body: str | bytes, content_type: str = "application/json") -> Any:
        return self.client.post("/pets", data=body, content_type=content_type)


class TestArguments(BlueprintCase):
    def test_a_body_is_loaded(self) -> None:
        body = {"name": "Rex", "tags": ["dog"], "parent": {"name": "Max"}}
        self.assertEqual(self.client.post("/pets", json=body).get_json(), body)

    def test_a_body_that_is_not_json_is_400(self) -> None:
        nested = '{"name":"x","parent":' * 500 + '{"name":"x"}' + "}" * 500
        for body in ("", "{", "\xff", b'{"\xff": 1}', "[" * 100_000, '{"name": NaN}', nested):
            with self.subTest(body[:20]):
                self.assertIn("malformed", self.assert_problem(self.post(body), 400)["detail"])

    def test_a_body_that_is_not_declared_as_json_is_415(self) -> None:
        for response in (self.post("{}", "text/plain"), self.post("{}", "")):
            self.assertIn("application/json", self.assert_problem(response, 415)["detail"])

    def test_an_optional_body_may_be_missing(self) -> None:
        self.assertEqual(self.client.post("/pets/optional").get_json(), {})
        self.assertEqual(self.client.post("/pets/optional", json={"age": 7}).get_json()["age"], 7)
        self.assert_problem(self.client.post("/pets/optional", data="{}"), 415)

    def test_a_body_that_is_too_large_is_413(self) -> None:
        self.assert_problem(self.post(b" " * (self.app.config["MAX_CONTENT_LENGTH"] + 1)), 413)

    def test_only_lists_may_be_repeated_in_a_query(self) -> None:
        response = self.client.get("/pets?age=1&age=2&tag=a&tag=b&ids=7,8")
        self.assertEqual(response.get_json(), {"age": 1, "tags": ["a", "b"], "ids": [7, 8]})
        self.assertEqual(self.client.get("/pets?tag=a").get_json(), {"tags": ["a"]})

    def test_a_query_that_is_not_utf_8_is_400(self) -> None:
        for query in ("age=\xff", "age=%ff"):
            environ = {"QUERY_STRING": query}
            self.assert_problem(self.client.get("/pets", environ_overrides=environ), 400)

    def test_webargs_loads_other_locations(self) -> None:
        response = self.client.get("/pets/header", headers={"age": "7"})
        self.assertEqual((response.status_code, response.content_length), (204, None))

    def test_invalid_fields_are_named_in_a_422(self) -> None:
        cases: list[tuple[str, Any, set[str]]] = [
            ("json", self.client.post("/pets", json={"a": 1}), {"name", "a"}),
            ("json", self.client.post("/pets", json={"name": "R", "tags": [0] * 99_999}), {"tags"}),
            ("query", self.client.get("/pets?other=1&age=x"), {"other", "age"}),
            ("headers", self.client.get("/pets/header", headers={"age": "x"}), {"age"}),
        ]
        for location, response, fields in cases:
            with self.subTest(fields):
                problem = self.assert_problem(response, 422)
                self.assertEqual(set(problem["errors"][location]), fields)
                self.assertLess(len(response.data), 500)


class TestResponse(BlueprintCase):
    def test_a_view_may_return_headers_another_status_or_a_response(self) -> None:
        for name, status, location in (
            ("Rex", 201, None),
            ("Headers", 201, "/pets/1"),
            ("Status", 202, None),
            ("Both", 202, "/pets/1"),
            ("Response", 409, None),
        ):
            with self.subTest(name):
                response = self.client.post("/pets", json={"name": name})
                self.assertEqual((response.status_code, response.location), (status, location))
                self.assertEqual(response.get_json().get("name", "Response"), name)

    def test_a_coroutine_function_is_refused(self) -> None:
        @blueprint.response(200)
        async def view(*_: Any) -> None: ...

        for refused in (view, type("View", (MethodView,), {"get": view})):
            with self.assertRaisesRegex(TypeError, "view must be def; got async def"):
                Blueprint("async", __name__).route("/")(refused)

    def test_the_document_has_the_arguments_and_the_responses(self) -> None:
        operations = self.client.get("/docs/openapi.json").get_json()["paths"]["/pets"]
        get, post = operations["get"], operations["post"]
        self.assertEqual(post["operationId"], "post_pets")
        for part in (post["requestBody"], post["responses"]["201"]):
            self.assertEqual(list(part["content"]), ["application/json"])
        of_body = {"400", "413", "415"}
        self.assertLessEqual(of_body | {"201", "409", "422", "default"}, set(post["responses"]))
        self.assertLessEqual({"200", "422", "default"}, set(get["responses"]))
        self.assertTrue(of_body.isdisjoint(get["responses"]))
