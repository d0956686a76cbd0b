"""Problems: error responses in the format of RFC 9457, and their documentation."""

import logging
import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, NoReturn

import flask_smorest
import marshmallow as ma
import msgspec
from apispec import BasePlugin
from flask import Flask, Response

from main.util.context import current_request_id

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20
# Bytes. A larger problem is sent without its detail and additional members.
MAX_PROBLEM = 16 * 1024

# Raises the HTTP error of a status, whose problem has the `message` as its detail.
abort: Callable[..., NoReturn] = flask_smorest.abort

# Reason phrases of RFC 9110 that Python has from version 3.13 on.
NEW_PHRASES = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}


class ProblemSchema(ma.Schema):
    """The members of every problem; some problems have additional ones."""

    class Meta:
        """Options of the schema."""

        unknown = ma.INCLUDE

    type = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    detail = ma.fields.String()
    request_id = ma.fields.String()
    errors = ma.fields.Dict(metadata={"description": "Messages by location and field."})


def problem(status: int, detail: str = "", *, headers: Any = None, **members: Any) -> Response:
    """Create a response for a problem.

    `detail` explains it to the caller. `members` are added to the standard ones.
    """
    standard = {
        "type": "about:blank",
        "title": NEW_PHRASES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": current_request_id.get(),
    }
    body = msgspec.json.encode({name: value for name, value in standard.items() if value} | members)
    if len(body) > MAX_PROBLEM:
        return problem(status, headers=headers)
    return Response(body, status, headers, content_type=MEDIA_TYPE)


class ProblemApi(flask_smorest.Api):
    """flask-smorest's `Api`, which responds to errors with problems and documents them."""

    ERROR_SCHEMA = ProblemSchema

    def __init__(self, app: Flask) -> None:
        super().__init__(spec_kwargs={"extra_plugins": [OperationPlugin()]})
        # The media type of errors in the document; flask-smorest has one for all responses.
        self.DEFAULT_RESPONSE_CONTENT_TYPE = MEDIA_TYPE
        self.init_app(app)
        del self.DEFAULT_RESPONSE_CONTENT_TYPE

    def handle_http_exception(self, error: Any) -> Response:
        """Respond to an HTTP error with a problem, and with the error's headers such as Allow."""
        if error.code < 500:
            log.info("request.refused", extra={"status": error.code})
        data = getattr(error, "data", {})  # the arguments of flask_smorest.abort()
        detail = data.get("message", error.description)
        headers = [*error.get_headers(), *(data.get("headers") or {}).items()]
        messages = data.get("messages") or data.get("errors") or {}
        errors = first_errors(messages, iter(range(MAX_ERRORS)))
        members = {"errors": errors} if errors else {}
        return problem(error.code, detail, headers=headers, **members)


class OperationPlugin(BasePlugin):
    """Gives each operation an id such as `get_v1_hello`, and documents the errors of a body."""

    def operation_helper(self, path: Any = None, operations: Any = None, **_: Any) -> None:
        for method, operation in operations.items():
            words = re.findall(r"\w+", f"{method} {path}")
            operation.setdefault("operationId", "_".join(words))
            if "requestBody" in operation:
                for status in (400, 413, 415):
                    operation["responses"].setdefault(status, HTTPStatus(status).name)


def first_errors(errors: Any, budget: Iterator[int]) -> Any:
    """Return marshmallow's nested errors, and of each as many messages as `budget` allows.

    Each message takes an item of `budget`, which is shared by all fields.
    """
    if isinstance(errors, dict):
        first = ((field, first_errors(nested, budget)) for field, nested in errors.items())
        return {field: nested for field, nested in first if nested}
    return [message for message, _ in zip(errors, budget, strict=False)]
