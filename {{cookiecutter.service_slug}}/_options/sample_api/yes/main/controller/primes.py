"""Primes: work for the CPU, done on other processes, each number's answer kept."""

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from main.service import primes
from main.util.schema import BaseSchema, Blueprint, Whole

blueprint = Blueprint("primes", __name__, url_prefix="/v1/primes", description="Prime numbers.")


class Question(BaseSchema):
    """The numbers in question."""

    target = primes.Question

    numbers = ma.fields.List(
        Whole(validate=ma.validate.Range(0, primes.LARGEST)),
        required=True,
        validate=ma.validate.Length(1, 20),
    )


class Number(BaseSchema):
    """A number, and whether it is prime; else its smallest factor above 1, if it has one."""

    number = ma.fields.Integer(required=True)
    prime = ma.fields.Boolean(required=True)
    factor = ma.fields.Integer(metadata={"omit_if": lambda factor: factor is None})


class Answer(BaseSchema):
    """What is known of each number, in the order of the question."""

    numbers = ma.fields.List(ma.fields.Nested(Number), required=True)


@blueprint.route("")
class Primes(MethodView):
    @blueprint.arguments(Question())
    @blueprint.response(200, Answer())
    @blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
    def post(self, question: primes.Question) -> dict[str, Any]:
        """Tell which of the numbers are prime."""
        return {"numbers": primes.examine(question)}
