"""Schemas: marshmallow's, which load into classes, omit fields, and reject long lists early."""

from typing import Any, ClassVar

import marshmallow as ma


class BaseSchema(ma.Schema):
    """A schema that can load into a class, and omit fields from its output.

    `object_class` is the class, often a dataclass, that loading creates from the fields. A field
    with `metadata={"omit_if": condition}` is omitted from the output if `condition(value)` is true.
    Unknown fields are errors.
    """

    object_class: ClassVar[type | None] = None

    @ma.pre_load
    def validate_lengths(self, data: Any, **_: Any) -> Any:
        """Validate the lengths of lists. marshmallow does so after it has validated their items."""
        values = data if isinstance(data, dict) else {}
        for name, field in self.load_fields.items():
            key = field.data_key or name
            try:
                validate_length(field, values.get(key))
            except ma.ValidationError as error:
                raise ma.ValidationError(error.messages, key) from None
        return data

    @ma.post_load
    def make_object(self, data: dict[str, Any], **_: Any) -> Any:
        """Create an object of `object_class` from the loaded fields."""
        return data if self.object_class is None else self.object_class(**data)

    @ma.post_dump
    def drop_omitted(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Remove the fields whose `omit_if` is true."""
        for name, field in self.dump_fields.items():
            omit_if = field.metadata.get("omit_if")
            key = field.data_key or name
            if omit_if is not None and key in data and omit_if(data[key]):
                del data[key]
        return data


class UpstreamSchema(BaseSchema):
    """A schema for the responses of an upstream, which ignores unknown fields."""

    class Meta:
        """Options of the schema."""

        unknown = ma.EXCLUDE


class StrictInteger(ma.fields.Integer):
    """An integer as JSON Schema defines it: accepts 7 and 7.0, rejects 7.5 and "7"."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strict=True, **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return super()._deserialize(value, attr, data, **options)


def validate_length(field: Any, value: Any) -> None:
    """Raise `ValidationError` if a list, or a list in it, has an invalid length."""
    if not isinstance(value, list):
        return
    for validator in field.validators:
        if isinstance(validator, ma.validate.Length):
            validator(value)
    if isinstance(field, ma.fields.List):
        for item in value:
            validate_length(field.inner, item)
