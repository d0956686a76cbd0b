"""Problems: every error leaves as RFC 9457 application/problem+json, in one shape."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import flask_smorest
import marshmallow as ma
from flask import Flask, Response, json
from werkzeug.exceptions import HTTPException, InternalServerError

from main.util.http import UpstreamError
from main.util.logs import request_id

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class ProblemSchema(ma.Schema):
    """The members of a problem; some kinds have more."""

    class Meta:
        """Its options."""

        unknown = ma.INCLUDE

    type = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    detail = ma.fields.String()
    request_id = ma.fields.String()
    errors = ma.fields.Dict(
        metadata={"description": "Where the error lies: location, then field, then messages."}
    )


def problem(
    status: int,
    detail: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> Response:
    """Make the answer that tells of a problem; `members` are added to the standard ones."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id.get(),
        **members,
    }
    text = json.dumps({name: value for name, value in body.items() if value is not None})
    return Response(text, status, headers, content_type=MEDIA_TYPE)


class ProblemApi(flask_smorest.Api):
    """flask-smorest's Api, with problems in its answers and in its documentation."""

    ERROR_SCHEMA = ProblemSchema

    def _register_responses(self) -> None:
        # The documented type of errors is otherwise that of all answers.
        self.DEFAULT_RESPONSE_CONTENT_TYPE = MEDIA_TYPE
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE

    def _register_error_handlers(self) -> None:
        app: Flask = self._app
        app.register_error_handler(HTTPException, handle_http_exception)
        app.register_error_handler(UpstreamError, handle_upstream_error)
        app.register_error_handler(TimeoutError, handle_timeout)


def handle_http_exception(error: HTTPException) -> Response:
    """Tell of an HTTP error, with the headers that belong to it (Allow, Retry-After, …)."""
    data = getattr(error, "data", {})  # what webargs and flask_smorest.abort() add
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    headers.update(data.get("headers") or {})
    status = error.code or InternalServerError.code
    detail = data.get("message") or error.description
    errors = data.get("errors") or data.get("messages")
    if status < InternalServerError.code:
        log.info("request.refused", extra={"status": status, "errors": errors})
    return problem(status, detail, headers=headers, errors=errors)


def handle_upstream_error(error: UpstreamError) -> Response:
    """Tell of another service's failure; its own words stay in our log."""
    log.warning("upstream.failed", exc_info=error)
    return problem(error.status, error.summary)


def handle_timeout(error: TimeoutError) -> Response:
    """Tell that work did not end within its deadline."""
    log.warning("deadline.missed", exc_info=error)
    return problem(503, "The work did not end within its deadline.")
