"""Hello: the smallest endpoint, whose responses nginx and clients may cache."""

import marshmallow as ma

from main import settings
from main.util.web import Blueprint
from main.util.web.auth import public

blueprint = Blueprint("hello", __name__, url_prefix="/v1/hello", description="Greetings.")


class HelloQuery(ma.Schema):
    """The person to greet."""

    name = ma.fields.String(load_default="World", validate=ma.validate.Length(1, 100))


class HelloResponse(ma.Schema):
    """A greeting."""

    message = ma.fields.String(required=True)


@blueprint.get("")
@public
@blueprint.arguments(HelloQuery(), location="query")
@blueprint.response(200, HelloResponse())
def greet(query: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Greet a person."""
    max_age = settings.current().hello_max_age
    # While one caller renews the greeting, the others get the old one for up to 5 seconds.
    cacheable = f"public, max-age={max_age}, stale-while-revalidate=5"
    headers = {"Cache-Control": cacheable if max_age else "no-store"}
    return {"message": f"Hello, {query['name']}!"}, headers
