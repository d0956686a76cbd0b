"""Primes: an endpoint with work for the CPU, done in the process pool and cached."""

from typing import Any

import marshmallow as ma

from main.service import primes
from main.util.web import BaseSchema, Blueprint, StrictInteger

blueprint = Blueprint("primes", __name__, url_prefix="/v1/primes", description="Prime numbers.")


class PrimesRequest(BaseSchema):
    """The numbers to classify."""

    object_class = primes.PrimesRequest

    numbers = ma.fields.List(
        StrictInteger(validate=ma.validate.Range(0, primes.MAX_NUMBER)),
        required=True,
        validate=ma.validate.Length(1, 20),
    )


class NumberResult(BaseSchema):
    """Whether a number is prime, and the smallest factor of a composite number."""

    number = ma.fields.Integer(required=True)
    prime = ma.fields.Boolean(required=True)
    factor = ma.fields.Integer(metadata={"omit_if": lambda factor: factor is None})


class PrimesResponse(BaseSchema):
    """The result for each number, in the order of the request."""

    numbers = ma.fields.List(ma.fields.Nested(NumberResult), required=True)


@blueprint.post("")
@blueprint.arguments(PrimesRequest())
@blueprint.response(200, PrimesResponse())
@blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
def classify(request: primes.PrimesRequest) -> dict[str, Any]:
    """Classify numbers as prime or composite."""
    return {"numbers": primes.classify(request)}
