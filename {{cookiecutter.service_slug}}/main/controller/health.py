"""Health: whether the process is there (livez), and whether it can do its work (readyz)."""

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import marshmallow as ma
from flask import Response
from flask.views import MethodView

from main.util import cache
from main.util.problems import problem
from main.util.schema import Blueprint

log = logging.getLogger(__name__)

blueprint = Blueprint("health", __name__, description="For those who run the service.")


class Part(NamedTuple):
    """Something that the service relies on; without a needed part it is not ready."""

    ping: Callable[[], None]
    needed: bool


# Add what this service cannot work without, a database say: its ping raises when it is down,
# and gives up within a second.
PARTS: dict[str, Part] = {"cache": Part(cache.ping, needed=False)}


class Liveness(ma.Schema):
    """That the process answers."""

    status = ma.fields.String(required=True, validate=ma.validate.Equal("ok"))


class Readiness(ma.Schema):
    """How the service is, and each of its parts."""

    status = ma.fields.String(required=True, validate=ma.validate.OneOf(["ok", "degraded"]))
    parts = ma.fields.Dict(
        required=True,
        keys=ma.fields.String(),
        values=ma.fields.String(validate=ma.validate.OneOf(["ok", "down"])),
    )


@blueprint.route("/livez")
class Live(MethodView):
    @blueprint.response(200, Liveness())
    def get(self) -> dict[str, Any]:
        """Tell that the process answers; in the stack, nginx says so for itself."""
        return {"status": "ok"}


@blueprint.route("/readyz")
class Ready(MethodView):
    @blueprint.response(200, Readiness())
    @blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
    def get(self) -> dict[str, Any] | Response:
        """Ask every part to answer; degraded means that the service works without one."""
        parts = {name: _ask(name, part) for name, part in PARTS.items()}
        if any(parts[name] == "down" and part.needed for name, part in PARTS.items()):
            return problem(503, "A part that the service needs is down.", parts=parts)
        return {"status": "degraded" if "down" in parts.values() else "ok", "parts": parts}


def _ask(name: str, part: Part) -> str:
    try:
        part.ping()
    except Exception:
        log.warning("part.down", exc_info=True, extra={"part": name})
        return "down"
    return "ok"
