"""Parse requests strictly: load a JSON body or a query into a schema."""

from typing import Any

import marshmallow as ma
import msgspec
from flask import request
from flask_smorest import abort
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import MultiDict


class StrictParser:
    """Loads the JSON body or the query of the current request into a schema.

    Aborts with 415 if a body is not declared as JSON, 400 if it is not JSON or a query is not
    UTF-8, 422 if the schema rejects the data. webargs would take twice the time.
    """

    LOCATIONS = ("json", "query")

    def __init__(self, schema: ma.Schema, location: str) -> None:
        self._schema = schema
        self._location = location
        self._read = self._read_json if location == "json" else self._read_query
        self._repeatable = MultiDictProxy(MultiDict(), schema).multiple_keys

    def parse(self) -> Any:
        """Return what the schema loads."""
        try:
            return self._schema.load(self._read())
        except ma.ValidationError as error:
            errors = {self._location: error.messages}
            abort(422, message="The request has invalid fields.", errors=errors)
        except RecursionError:
            abort(400, message="The request body is nested too deeply.")

    def _read_json(self) -> Any:
        if not request.is_json:
            abort(415, message="The request body must be JSON (Content-Type: application/json).")
        try:
            return msgspec.json.decode(request.get_data())
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            abort(400, message=f"The request body is not JSON: {error}.")

    def _read_query(self) -> Any:
        try:
            query = request.args
        except UnicodeDecodeError:
            abort(400, message="The query is not UTF-8.")
        many = self._repeatable
        return {name: query.getlist(name) if name in many else query[name] for name in query}
