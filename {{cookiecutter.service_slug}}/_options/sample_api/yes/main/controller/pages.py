"""Pages: waits for many other services at the same time."""

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from main import settings
from main.service import pages
from main.util.schema import BaseSchema, Blueprint

blueprint = Blueprint("pages", __name__, url_prefix="/v1/pages", description="Other services.")


class Page(BaseSchema):
    """What came of one address: how many bytes, or why none."""

    url = ma.fields.String(required=True)
    bytes = ma.fields.Integer(metadata={"omit_if": lambda size: size is None})
    error = ma.fields.String(metadata={"omit_if": lambda error: error is None})


class Pages(BaseSchema):
    """What came of each configured address."""

    pages = ma.fields.List(ma.fields.Nested(Page), required=True)


@blueprint.route("")
class PagesView(MethodView):
    @blueprint.response(200, Pages())
    def get(self) -> dict[str, Any]:
        """Fetch the configured addresses; one that fails is told, not an error."""
        return {"pages": pages.fetch_all(settings.current().upstream_urls)}
