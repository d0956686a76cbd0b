"""Pages: an endpoint that waits for several upstreams at the same time."""

from typing import Any

import marshmallow as ma

from main import settings
from main.service import pages
from main.util.web import BaseSchema, Blueprint

blueprint = Blueprint("pages", __name__, url_prefix="/v1/pages", description="Pages of upstreams.")


class PageResult(BaseSchema):
    """The size of a page in bytes, or the error that occurred."""

    url = ma.fields.String(required=True)
    bytes = ma.fields.Integer(metadata={"omit_if": lambda size: size is None})
    error = ma.fields.String(metadata={"omit_if": lambda error: error is None})


class PagesResponse(BaseSchema):
    """The result for each configured URL."""

    pages = ma.fields.List(ma.fields.Nested(PageResult), required=True)


@blueprint.get("")
@blueprint.response(200, PagesResponse())
def fetch() -> dict[str, Any]:
    """Fetch the configured URLs.

    A page that cannot be fetched has an error; the response is a 200 nevertheless.
    """
    return {"pages": pages.fetch_all(settings.current().upstream_urls)}
