"""Tests of the schemas."""

import unittest
from dataclasses import dataclass

import marshmallow as ma

from main.util.web import BaseSchema, StrictInteger, UpstreamSchema


@dataclass
class Pet:
    name: str
    owner: str | None = None


class PetSchema(BaseSchema):
    object_class = Pet

    name = ma.fields.String(required=True)
    owner = ma.fields.String(data_key="ownedBy", metadata={"omit_if": lambda owner: owner is None})


class MatrixSchema(BaseSchema):
    rows = ma.fields.List(
        ma.fields.List(ma.fields.Integer(), validate=ma.validate.Length(max=2)),
        validate=[ma.validate.ContainsNoneOf([[0]]), ma.validate.Length(1, 3)],
        data_key="matrix",
    )


class NestingSchema(BaseSchema):
    matrices = ma.fields.List(ma.fields.Nested(MatrixSchema()))
    more = ma.fields.Nested(MatrixSchema(many=True), validate=ma.validate.Length(max=1))


class TestBaseSchema(unittest.TestCase):
    """BaseSchema loads into a class, omits fields, and rejects unknown ones."""

    def test_it_loads_into_the_object_class(self) -> None:
        self.assertEqual(PetSchema().load({"name": "Rex", "ownedBy": "Bob"}), Pet("Rex", "Bob"))
        self.assertEqual(PetSchema(many=True).load([{"name": "Rex"}]), [Pet("Rex")])

    def test_it_loads_into_a_dictionary_without_an_object_class(self) -> None:
        plain = BaseSchema.from_dict({"name": ma.fields.String()})
        self.assertEqual(plain().load({"name": "Rex"}), {"name": "Rex"})

    def test_it_omits_a_field_if_the_condition_is_true(self) -> None:
        self.assertEqual(PetSchema().dump(Pet("Rex")), {"name": "Rex"})
        self.assertEqual(PetSchema().dump(Pet("Rex", "Bob")), {"name": "Rex", "ownedBy": "Bob"})

    def test_it_omits_a_field_without_a_value(self) -> None:
        self.assertEqual(PetSchema().dump({"name": "Rex"}), {"name": "Rex"})

    def test_it_rejects_unknown_fields(self) -> None:
        with self.assertRaises(ma.ValidationError):
            PetSchema().load({"name": "Rex", "age": 3})

    def test_it_rejects_data_of_another_type(self) -> None:
        for data in (None, 7, "name", [], [{"name": "Rex"}]):
            with self.subTest(data), self.assertRaises(ma.ValidationError):
                PetSchema().load(data)  # type: ignore[arg-type]

    def test_an_upstream_schema_ignores_unknown_fields(self) -> None:
        plain = UpstreamSchema.from_dict({"name": ma.fields.String()})
        self.assertEqual(plain().load({"name": "Rex", "age": 3}), {"name": "Rex"})


class TestLengths(unittest.TestCase):
    """The lengths of lists are validated before their items."""

    def errors(self, schema: ma.Schema, data: dict[str, object]) -> object:
        with self.assertRaises(ma.ValidationError) as raised:
            schema.load(data)
        return raised.exception.messages

    def test_a_long_list_is_one_error(self) -> None:
        errors = self.errors(MatrixSchema(), {"matrix": ["not a row"] * 4})
        self.assertEqual(errors, {"matrix": ["Length must be between 1 and 3."]})

    def test_a_long_list_in_a_list_is_one_error(self) -> None:
        errors = self.errors(MatrixSchema(), {"matrix": [[1], ["x", "x", "x"]]})
        self.assertEqual(errors, {"matrix": ["Longer than maximum length 2."]})

    def test_a_long_list_in_a_nested_object_is_one_error(self) -> None:
        errors = self.errors(NestingSchema(), {"matrices": [{}, {"matrix": []}]})
        expected = {"matrices": {1: {"matrix": ["Length must be between 1 and 3."]}}}
        self.assertEqual(errors, expected)

    def test_a_long_list_of_objects_is_one_error(self) -> None:
        errors = self.errors(NestingSchema(), {"more": ["not an object"] * 2})
        self.assertEqual(errors, {"more": ["Longer than maximum length 1."]})

    def test_a_list_of_valid_length_is_loaded(self) -> None:
        self.assertEqual(MatrixSchema().load({"matrix": [[1, 2], []]}), {"rows": [[1, 2], []]})
        self.assertEqual(NestingSchema().load({"more": [{}]}), {"more": [{}]})


class TestStrictInteger(unittest.TestCase):
    """StrictInteger accepts what JSON Schema calls an integer."""

    def test_numbers_without_a_fraction_are_integers(self) -> None:
        for number in (7, 7.0):
            self.assertIs(type(StrictInteger().deserialize(number)), int)
        self.assertEqual(StrictInteger().deserialize(1e15), 10**15)

    def test_other_values_are_rejected(self) -> None:
        for value in (7.5, float("inf"), float("nan"), "7", "7.0", True, None, [7]):
            with self.subTest(value), self.assertRaises(ma.ValidationError):
                StrictInteger().deserialize(value)
