"""Schemas: what comes in is read strictly, what goes out is written fast.

`BaseSchema` is marshmallow with two habits, `Whole` a number without a fraction. `Blueprint` is
flask-smorest's, for which a body of another type is 415, no JSON is 400, and an unknown key is
422 like any other wrong field.
"""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, ClassVar

import flask
import flask_smorest
import marshmallow as ma
import msgspec
from flask import Response
from flask import request as current_request
from flask.json.provider import JSONProvider
from webargs.flaskparser import FlaskParser, abort
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest


class BaseSchema(ma.Schema):
    """A schema that can load into a class and leave keys out of its output.

    `target` is the class, most often a dataclass, that loading makes: `post_load` passes it
    the loaded fields. A field declared with `metadata={"omit_if": condition}` is left out of
    the output wherever `condition(value)` is true. Unknown keys are an error.
    """

    target: ClassVar[type | None] = None

    @ma.post_load
    def make(self, data: dict[str, Any], **_: Any) -> Any:
        """Turn the loaded fields into the target class."""
        return data if self.target is None else self.target(**data)

    @ma.post_dump
    def omit(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Remove the keys whose field says so."""
        for name, field in self.dump_fields.items():
            condition = field.metadata.get("omit_if")
            key = field.data_key or name
            if condition is not None and key in data and condition(data[key]):
                del data[key]
        return data


class UpstreamSchema(BaseSchema):
    """A schema for what another service sends, which may say more tomorrow: the rest is ignored."""

    class Meta:
        """Its options."""

        unknown = ma.EXCLUDE


class Whole(ma.fields.Integer):
    """A whole number in JSON, as OpenAPI understands `integer`: 7 and 7.0, not 7.5, not "7"."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strict=True, **options)

    def _validated(self, value: Any) -> int:
        whole = isinstance(value, float) and value.is_integer()
        return super()._validated(int(value) if whole else value)


class Request(flask.Request):
    """Flask's request, for which a query of bytes that are no UTF-8 is the caller's mistake."""

    @property
    def args(self) -> MultiDict[str, str]:
        """Return what the query says."""
        try:
            return super().args
        except UnicodeDecodeError:
            raise BadRequest("The query is not UTF-8.") from None


class Json(JSONProvider):
    """Flask's JSON by msgspec: a fifth of the time, and dates and dataclasses as well."""

    def dumps(self, obj: Any, **_: Any) -> str:
        """Return the object as JSON."""
        return msgspec.json.encode(obj).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        """Return what the JSON says."""
        return msgspec.json.decode(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """Return an answer that holds the arguments as JSON."""
        body = msgspec.json.encode(self._prepare_response_obj(args, kwargs))
        return Response(body, mimetype="application/json")


class StrictParser(FlaskParser):
    """Reads bodies and queries strictly, on a short way; anything else as webargs does."""

    def use_args(  # type: ignore[override]
        self, argmap: Any, *, location: str, **options: Any
    ) -> Callable[..., Callable[..., Any]]:
        """Return the decorator that passes what the schema loads to a view."""
        if location not in ("json", "query") or options:
            return super().use_args(argmap, location=location, **options)
        schema: ma.Schema = argmap() if isinstance(argmap, type) else argmap
        lists = MultiDictProxy({}, schema).multiple_keys

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(view)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                request = current_request._get_current_object()  # type: ignore[attr-defined]
                given = _body(request) if location == "json" else _query(request, lists)
                try:
                    loaded = schema.load(given, unknown=ma.RAISE)
                except ma.ValidationError as error:
                    abort(422, messages={location: error.messages})
                return view(*args, loaded, **kwargs)

            return wrapper

        return decorate


def _body(request: Request) -> Any:
    if not request.is_json:
        abort(415, message="The body must be JSON: Content-Type: application/json.")
    try:
        return msgspec.json.decode(request.get_data())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        abort(400, message=f"The body is not JSON: {error}.")


def _query(request: Request, lists: set[str]) -> dict[str, Any]:
    query = request.args
    return {name: query.getlist(name) if name in lists else query[name] for name in query}


class Blueprint(flask_smorest.Blueprint):
    """flask-smorest's Blueprint, reading requests strictly."""

    ARGUMENTS_PARSER = StrictParser()

    def arguments(self, schema: Any, *, location: str = "json", **options: Any) -> Any:
        """Return flask-smorest's decorator, which documents all that may be wrong with a body."""
        decorate = super().arguments(schema, location=location, **options)

        def documented(view: Callable[..., Any]) -> Any:
            wrapper = decorate(view)
            if location == "json":
                for status in (400, 413, 415):
                    wrapper._apidoc["arguments"]["responses"][status] = HTTPStatus(status).name
            return wrapper

        return documented
