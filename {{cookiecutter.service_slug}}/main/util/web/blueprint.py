"""Blueprints: flask-smorest documents the operations, the wrappers here serve them."""

import inspect
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

import flask_smorest
import marshmallow as ma
from flask import request, views
from flask_smorest.utils import set_status_and_headers_in_response, unpack_tuple_response
from werkzeug.wrappers import Response

from main.util.web.json import json_response
from main.util.web.parser import StrictParser

View = Callable[..., Any]
Decorator = Callable[[View], View]


class Blueprint(flask_smorest.Blueprint):
    """flask-smorest's Blueprint with strict parsing, and with less work for each request.

    flask-smorest keeps the documentation of a view as an attribute of the wrapper that it makes.
    The wrappers here copy the attribute with `functools.wraps`, and call the view directly.
    A view with `Blueprint.etag` must therefore call `set_etag`.
    """

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Any = None, **options: Any
    ) -> None:
        refuse_coroutine_functions(view_func)
        super().add_url_rule(rule, endpoint, view_func, **options)

    def arguments(self, schema: ma.Schema, *, location: str = "json", **options: Any) -> Decorator:
        """Pass the view what the schema loads from a location of the request."""
        document: Decorator = super().arguments(schema, location=location, **options)
        if location not in StrictParser.LOCATIONS:
            return document
        parse = StrictParser(schema, location).parse

        def decorate(view: View) -> View:
            documented = document(view)
            if location == "json":
                for status in (400, 413, 415):
                    documented = self.alt_response(status, HTTPStatus(status).name)(documented)

            @wraps(documented)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                return view(*args, parse(), **kwargs)

            return wrapper

        return decorate

    def response(
        self, status_code: int, schema: ma.Schema | None = None, **options: Any
    ) -> Decorator:
        """Respond with what the schema dumps of the view's result.

        As in Flask, a view may return a response, or a tuple that adds headers or another status.
        """
        document: Decorator = super().response(status_code, schema, **options)
        dump: Callable[[Any], Any] = schema.dump if schema else lambda result: result

        def decorate(view: View) -> View:
            @wraps(document(view))
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                result, status, headers = unpack_tuple_response(view(*args, **kwargs))
                if not isinstance(result, Response):
                    result = json_response(dump(result), status_code)
                set_status_and_headers_in_response(result, status, headers)
                return result

            return wrapper

        return decorate


class MethodView(views.MethodView):
    """Flask's MethodView with one instance for all requests: keep no state in it."""

    @classmethod
    def as_view(cls, name: str, *args: Any, **kwargs: Any) -> Any:
        instance = cls(*args, **kwargs)
        handlers = {method: getattr(instance, method.lower()) for method in cls.methods or ()}
        handlers.setdefault("HEAD", handlers.get("GET"))

        @wraps(super().as_view(name, *args, **kwargs))
        def view(**arguments: Any) -> Any:
            return handlers[request.method](**arguments)

        return view


def refuse_coroutine_functions(view: Any) -> None:
    """Raise `TypeError` if a view, or a method of a `MethodView`, is an `async def` function."""
    methods = [getattr(view, method.lower()) for method in getattr(view, "methods", None) or ()]
    for function in (view, *methods):
        if inspect.iscoroutinefunction(inspect.unwrap(function)):
            raise TypeError(
                f"{function.__qualname__} must be a plain function; got a coroutine function. "
                "Write def instead of async def, and do things at the same time with thread_map."
            )
