"""Tests of how requests are parsed."""

from typing import Any

import marshmallow as ma

from main.util.web import BaseSchema, Blueprint
from test.case import ServiceCase


class PetSchema(BaseSchema):
    name = ma.fields.String(required=True)
    tags = ma.fields.List(ma.fields.String(), validate=ma.validate.Length(max=3))
    parent = ma.fields.Nested(lambda: PetSchema())


class SearchSchema(ma.Schema):
    age = ma.fields.Integer()
    tags = ma.fields.List(ma.fields.String())


class KeySchema(ma.Schema):
    number = ma.fields.Integer(required=True)


blueprint = Blueprint("pets", __name__, url_prefix="/pets")


@blueprint.route("", methods=["POST"])
@blueprint.arguments(PetSchema())
@blueprint.response(200)
def create(pet: dict[str, Any]) -> dict[str, Any]:
    return pet


@blueprint.route("")
@blueprint.arguments(SearchSchema(), location="query")
@blueprint.response(200)
def search(query: dict[str, Any]) -> dict[str, Any]:
    return query


@blueprint.route("/key")
@blueprint.arguments(KeySchema(), location="headers")
@blueprint.response(200)
def key(headers: dict[str, Any]) -> dict[str, Any]:
    return headers


class ParserCase(ServiceCase):
    """A test with an application that has the endpoints above."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.app.register_blueprint(blueprint)


class TestBody(ParserCase):
    """Bodies are JSON that the schema accepts."""

    def test_a_valid_body_is_loaded(self) -> None:
        response = self.client.post("/pets", json={"name": "Rex", "tags": ["dog"]})
        self.assertEqual(response.get_json(), {"name": "Rex", "tags": ["dog"]})

    def test_a_body_that_is_not_json_is_400(self) -> None:
        for body in ("", "{", "\xff", b'{"\xff": 1}', "[" * 100_000, '{"number": 1e}'):
            with self.subTest(body[:20]):
                response = self.client.post("/pets", data=body, content_type="application/json")
                self.assert_problem(response, 400)

    def test_a_body_that_is_nested_too_deeply_is_400(self) -> None:
        body = '{"name":"x","parent":' * 500 + '{"name":"x"}' + "}" * 500
        response = self.client.post("/pets", data=body, content_type="application/json")
        self.assertIn("nested", self.assert_problem(response, 400)["detail"])

    def test_a_body_that_is_not_declared_as_json_is_415(self) -> None:
        for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
            with self.subTest(kind):
                response = self.client.post("/pets", data="{}", content_type=kind)
                self.assert_problem(response, 415)

    def test_a_body_that_is_too_large_is_413(self) -> None:
        body = b" " * (self.app.config["MAX_CONTENT_LENGTH"] + 1)
        response = self.client.post("/pets", data=body, content_type="application/json")
        self.assert_problem(response, 413)

    def test_invalid_fields_are_named_in_a_422(self) -> None:
        for body, field in (({}, "name"), ({"name": 7}, "name"), ({"name": "", "a": 1}, "a")):
            with self.subTest(body):
                problem = self.assert_problem(self.client.post("/pets", json=body), 422)
                self.assertEqual(list(problem["errors"]["json"]), [field])

    def test_a_problem_is_bounded_whatever_the_body(self) -> None:
        bodies: list[dict[str, Any]] = [
            {"name": "Rex", "tags": [0] * 300_000},
            {f"field {number}": 0 for number in range(10_000)},
            {"\x00" * 1000 + str(number): 0 for number in range(20)},
            {"x" * 900_000: 0},
        ]
        for body in bodies:
            with self.subTest(str(body)[:40]), self.assertLogs("main.util.web") as logs:
                response = self.client.post("/pets", json=body)
                problem = self.assert_problem(response, 422)
                self.assertLess(len(response.data), 16 * 1024)
                self.assertLessEqual(len(problem["errors"]["json"]), 20)
                self.assertLess(len(str(vars(logs.records[0]))), 16 * 1024)


class TestQuery(ParserCase):
    """Queries have the parameters of the schema and no others."""

    def test_only_lists_may_be_repeated(self) -> None:
        response = self.client.get("/pets?age=1&age=2&tags=a&tags=b")
        self.assertEqual(response.get_json(), {"age": 1, "tags": ["a", "b"]})
        self.assertEqual(self.client.get("/pets?tags=a").get_json(), {"tags": ["a"]})

    def test_invalid_parameters_are_named_in_a_422(self) -> None:
        problem = self.assert_problem(self.client.get("/pets?other=1&age=x"), 422)
        self.assertEqual(set(problem["errors"]["query"]), {"other", "age"})

    def test_a_query_that_is_not_utf_8_is_400(self) -> None:
        for query in (b"age=\xff", b"\xc3"):
            environ = {"QUERY_STRING": query.decode("latin-1")}
            self.assert_problem(self.client.get("/pets", environ_overrides=environ), 400)


class TestOtherLocations(ParserCase):
    """webargs parses all other locations."""

    def test_headers_are_loaded(self) -> None:
        response = self.client.get("/pets/key", headers={"number": "7"})
        self.assertEqual(response.get_json(), {"number": 7})

    def test_invalid_headers_are_named_in_a_422(self) -> None:
        problem = self.assert_problem(self.client.get("/pets/key"), 422)
        self.assertEqual(list(problem["errors"]["headers"]), ["number"])
