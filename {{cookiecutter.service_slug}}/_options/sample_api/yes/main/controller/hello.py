"""Hello: the smallest endpoint, and one that nginx may keep."""

import marshmallow as ma
from flask.views import MethodView

from main import settings
from main.util.schema import Blueprint

blueprint = Blueprint("hello", __name__, url_prefix="/v1/hello", description="A greeting.")


class HelloQuery(ma.Schema):
    """Who is greeted."""

    name = ma.fields.String(load_default="World", validate=ma.validate.Length(1, 100))


class Hello(ma.Schema):
    """A greeting."""

    message = ma.fields.String(required=True)


@blueprint.route("")
class HelloView(MethodView):
    @blueprint.arguments(HelloQuery(), location="query")
    @blueprint.response(200, Hello())
    def get(self, query: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """Greet somebody."""
        max_age = settings.current().hello_max_age
        cache_control = f"public, max-age={max_age}" if max_age else "no-store"
        return {"message": f"Hello, {query['name']}!"}, {"Cache-Control": cache_control}
