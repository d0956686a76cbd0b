"""Schemas: marshmallow's, which load into classes, omit fields, and reject long lists early."""

from functools import partial
from typing import Any, ClassVar

import marshmallow as ma


class BaseSchema(ma.Schema):
    """A schema that can load into a class, and omit fields from its output.

    `object_class` is the class, often a dataclass, that loading creates from the fields. A field
    with `metadata={"omit_if": condition}` is omitted from the output if `condition(value)` is true.
    Unknown fields are errors.
    """

    object_class: ClassVar[type | None] = None

    def on_bind_field(self, field_name: str, field_obj: Any) -> None:
        """Validate the lengths of lists before their items, which marshmallow validates first."""
        field_obj.pre_load = [partial(validate_length, field_obj), *field_obj.pre_load]
        if isinstance(field_obj, ma.fields.List):
            self.on_bind_field(field_name, field_obj.inner)

    @ma.post_load
    def make_object(self, data: dict[str, Any], **_: Any) -> Any:
        """Create an object of `object_class` from the loaded fields."""
        return data if self.object_class is None else self.object_class(**data)

    @ma.post_dump
    def omit_fields(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Remove the fields whose `omit_if` is true."""
        for name, field in self.dump_fields.items():
            omit_if = field.metadata.get("omit_if")
            key = field.data_key or name
            if omit_if and key in data and omit_if(data[key]):
                del data[key]
        return data


class StrictInteger(ma.fields.Integer):
    """An integer as JSON Schema defines it: accepts 7 and 7.0, rejects 7.5 and "7".

    The `strict` integer of marshmallow rejects 7.0, which the document of the API allows.
    """

    def _deserialize(self, value: Any, *args: Any, **options: Any) -> int:
        if isinstance(value, str) or (isinstance(value, float) and not value.is_integer()):
            raise self.make_error("invalid")
        return super()._deserialize(value, *args, **options)


def validate_length(field: Any, value: Any) -> Any:
    """Return the value; raise `ValidationError` if it is a list of an invalid length."""
    for validator in field.validators:
        if isinstance(validator, ma.validate.Length) and isinstance(value, list):
            validator(value)
    return value
