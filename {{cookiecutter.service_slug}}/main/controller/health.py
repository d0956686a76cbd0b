"""Health: GET /livez for the process, GET /readyz for its dependencies."""

from typing import Any

import marshmallow as ma
from flask import Response

from main.util.web import Blueprint, dependencies, problem

blueprint = Blueprint("health", __name__, description="For those who operate the service.")


class Liveness(ma.Schema):
    """The state of the process."""

    status = ma.fields.String(required=True, validate=ma.validate.Equal("ok"))


class Readiness(ma.Schema):
    """The state of the service and of its dependencies."""

    status = ma.fields.String(required=True, validate=ma.validate.OneOf(["ok", "degraded"]))
    checks = ma.fields.Dict(
        required=True,
        keys=ma.fields.String(),
        values=ma.fields.String(validate=ma.validate.OneOf(["ok", "down"])),
    )


@blueprint.get("/livez")
@blueprint.response(200, Liveness())
def live() -> dict[str, str]:
    """Report that the process is alive.

    Behind nginx, nginx answers.
    """
    return {"status": "ok"}


@blueprint.get("/readyz")
@blueprint.response(200, Readiness())
@blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
def ready() -> dict[str, Any] | Response:
    """Report whether the service can do its work.

    It is degraded while an optional dependency is down.
    """
    status, checks = dependencies.check_all()
    if status == "unavailable":
        return problem(503, "A required dependency is unavailable.", checks=checks)
    return {"status": status, "checks": checks}
