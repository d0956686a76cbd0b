"""Schemas."""

import unittest
from dataclasses import dataclass

import marshmallow as ma

from main.util.schema import BaseSchema, Whole


@dataclass
class Pet:
    name: str
    owner: str | None = None


class PetSchema(BaseSchema):
    target = Pet

    name = ma.fields.String(required=True)
    owner = ma.fields.String(data_key="ownedBy", metadata={"omit_if": lambda owner: owner is None})


class TestSchema(unittest.TestCase):
    """Loading makes an object; dumping leaves out what has nothing to say."""

    def test_loading_makes_the_class(self) -> None:
        self.assertEqual(PetSchema().load({"name": "Rex", "ownedBy": "Bob"}), Pet("Rex", "Bob"))
        self.assertEqual(PetSchema(many=True).load([{"name": "Rex"}]), [Pet("Rex")])

    def test_without_a_class_it_makes_a_dictionary(self) -> None:
        plain = BaseSchema.from_dict({"name": ma.fields.String()})
        self.assertEqual(plain().load({"name": "Rex"}), {"name": "Rex"})

    def test_a_key_is_removed_on_its_condition(self) -> None:
        self.assertEqual(PetSchema().dump(Pet("Rex")), {"name": "Rex"})
        self.assertEqual(PetSchema().dump(Pet("Rex", "Bob")), {"name": "Rex", "ownedBy": "Bob"})

    def test_a_key_that_is_not_there_is_no_trouble(self) -> None:
        self.assertEqual(PetSchema().dump({"name": "Rex"}), {"name": "Rex"})

    def test_an_unknown_key_is_an_error(self) -> None:
        with self.assertRaises(ma.ValidationError):
            PetSchema().load({"name": "Rex", "age": 3})


class TestWhole(unittest.TestCase):
    """What JSON Schema calls an integer is one; Python's idea of it is another."""

    def test_numbers_without_a_fraction_are_whole(self) -> None:
        for given in (7, 7.0):
            self.assertIs(type(Whole().deserialize(given)), int)
        self.assertEqual(Whole().deserialize(1e15), 10**15)

    def test_others_are_refused(self) -> None:
        for given in (7.5, float("inf"), float("nan"), "7", "7.0", True, None, [7]):
            with self.subTest(given), self.assertRaises(ma.ValidationError):
                Whole().deserialize(given)
