import unittest
from dataclasses import dataclass
from typing import Any

import marshmallow as ma

from main.util.web import BaseSchema, StrictInteger


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


class TestBaseSchema(unittest.TestCase):
    def test_it_loads_into_the_object_class(self) -> None:
        self.assertEqual(PetSchema().load({"name": "Rex", "ownedBy": "Bob"}), Pet("Rex", "Bob"))
        self.assertEqual(PetSchema(many=True).load([{"name": "Rex"}]), [Pet("Rex")])

    def test_it_omits_a_field_without_a_value_or_whose_condition_is_true(self) -> None:
        for pet, expected in (
            (Pet("Rex"), {"name": "Rex"}),
            (Pet("Rex", "Bob"), {"name": "Rex", "ownedBy": "Bob"}),
            ({"name": "Rex"}, {"name": "Rex"}),
        ):
            self.assertEqual(PetSchema().dump(pet), expected)

    def test_unknown_fields_are_errors(self) -> None:
        self.assertEqual(list(PetSchema().validate({"name": "Rex", "age": 3})), ["age"])


class TestLengths(unittest.TestCase):
    def test_a_long_list_is_one_error_wherever_it_is(self) -> None:
        length = "Length must be between 1 and 3."
        cases: list[tuple[ma.Schema, dict[str, Any], dict[str, Any]]] = [
            (MatrixSchema(), {"matrix": ["x"] * 4}, {"matrix": [length]}),
            (
                MatrixSchema(),
                {"matrix": [[1], ["x"] * 3]},
                {"matrix": {1: ["Longer than maximum length 2."]}},
            ),
            (
                NestingSchema(),
                {"matrices": [{}, {"matrix": []}]},
                {"matrices": {1: {"matrix": [length]}}},
            ),
            (MatrixSchema(), {"matrix": 7}, {"matrix": ["Not a valid list."]}),
            (MatrixSchema(), {"matrix": "1234"}, {"matrix": ["Not a valid list."]}),
            (MatrixSchema(), {"matrix": [[1, 2], []]}, {}),
        ]
        for schema, data, expected in cases:
            with self.subTest(data):
                self.assertEqual(schema.validate(data), expected)


class TestStrictInteger(unittest.TestCase):
    def test_numbers_without_a_fraction_are_integers(self) -> None:
        for number, expected in ((7, 7), (7.0, 7), (1e15, 10**15)):
            loaded = StrictInteger().deserialize(number)
            self.assertEqual((loaded, type(loaded)), (expected, int))

    def test_other_values_are_rejected(self) -> None:
        for value in (7.5, float("inf"), float("nan"), "7", "7.0", True, None, [7]):
            with self.subTest(value), self.assertRaises(ma.ValidationError):
                StrictInteger().deserialize(value)
