"""Blueprints: flask-smorest's, with strict parsing, and with less work for each request."""

import inspect
from collections.abc import Callable
from functools import partial, wraps
from typing import Any
from urllib.parse import parse_qs

import flask_smorest
import marshmallow as ma
import msgspec
from flask import Response, request
from flask.views import View

from main.util.web.application import CookieResponse
from main.util.web.problems import abort

Function = Callable[..., Any]
Decorator = Callable[[Function], Function]


class JSONResponse(CookieResponse):
    """A response with JSON."""

    def get_wsgi_headers(self, environ: Any) -> Any:
        # A 200 with a body of known length needs none of the headers that Werkzeug adds.
        return self.headers if self.status_code == 200 else super().get_wsgi_headers(environ)


class Blueprint(flask_smorest.Blueprint):
    """flask-smorest's Blueprint with strict parsing, and with less work for each request.

    flask-smorest keeps the documentation of a view in its own wrapper. The wrappers here copy it
    by `wraps`, and call the view directly: one with `Blueprint.etag` must call `set_etag`.
    """

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Any = None, **options: Any
    ) -> None:
        """Register a view; raise `TypeError` if it is, or has, an `async def` function.

        A `MethodView` gets one instance for all requests: keep no state in it.
        """
        functions = [view_func]
        if isinstance(view_func, type) and issubclass(view_func, View):
            functions = list(vars(view_func).values())
            view_func.init_every_request = False
        for view in functions:
            if inspect.iscoroutinefunction(inspect.unwrap(view)):
                raise TypeError(f"{view.__qualname__} must be def; got async def. Use thread_map.")
        super().add_url_rule(rule, endpoint, view_func, **options)

    def arguments(self, schema: ma.Schema, *, location: str = "json", **options: Any) -> Decorator:
        """Pass the view what the schema loads from a location of the request.

        Aborts with 415 if a body is not declared as JSON, 400 if it is not JSON or a query has
        bytes that are not UTF-8, 422 if the schema rejects the data. webargs would take 1.5 times
        as long. With `required=False` a missing body is loaded as an empty object. The other
        `options` are for the documentation, for example `description` and `example`.
        """
        document: Decorator = super().arguments(schema, location=location, **options)
        if location not in ("json", "query"):
            return document
        lists = {
            field.data_key or name
            for name, field in schema.load_fields.items()
            # False for a DelimitedList, whose items are in one value.
            if isinstance(field, ma.fields.List) and getattr(field, "is_multiple", True)
        }

        def read_query() -> dict[str, Any]:
            text = request.query_string.decode()
            query = parse_qs(text, keep_blank_values=True, errors="strict").items()
            return {name: values if name in lists else values[0] for name, values in query}

        is_required = options.get("required", True)
        read = partial(read_json, is_required) if location == "json" else read_query

        def decorate(view: Function) -> Function:
            @wraps(document(view))
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                try:
                    loaded = schema.load(read())
                except ma.ValidationError as error:
                    abort(422, messages={location: error.messages})
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                    abort(400, message=f"The request is malformed: {error}.")
                return view(*args, loaded, **kwargs)

            return wrapper

        return decorate

    def response(
        self, status_code: int, schema: ma.Schema | None = None, **options: Any
    ) -> Decorator:
        """Respond with what the schema dumps of the view's result.

        As in Flask, a view may return a response, or a tuple that adds headers or another status.
        """
        document: Decorator = super().response(status_code, schema, **options)
        dump: Function = schema.dump if schema else lambda result: result

        def decorate(view: Function) -> Function:
            @wraps(document(view))
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                result = view(*args, **kwargs)
                value, *rest = result if type(result) is tuple else (result,)
                if not isinstance(value, Response):
                    body = msgspec.json.encode(dump(value))
                    value = JSONResponse(body, status_code, content_type="application/json")
                return (value, *rest) if rest else value

            return wrapper

        return decorate


def read_json(is_required: bool) -> Any:
    """Return the JSON of the current request's body; abort with 415 if it is not declared so."""
    if not is_required and not request.get_data():
        return {}
    if not request.is_json:
        abort(415, message="The request body must be JSON (Content-Type: application/json).")
    return msgspec.json.decode(request.get_data())
