"""The API: flask-smorest's `Api`, whose errors are problems in responses and documentation."""

import logging
import re
from typing import Any

import flask_smorest
from apispec import BasePlugin
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from main.util.web.problems import MEDIA_TYPE, ProblemSchema, limit_errors, problem

log = logging.getLogger(__name__)


class OperationIds(BasePlugin):
    """Gives each operation an id made of its method and path, for example `get_v1_hello`."""

    def operation_helper(self, path: Any = None, operations: Any = None, **_: Any) -> None:
        for method, operation in operations.items():
            words = re.findall(r"\w+", f"{method} {path}")
            operation.setdefault("operationId", "_".join(words))


class ProblemApi(flask_smorest.Api):
    """Responds to errors with problems, and documents them."""

    ERROR_SCHEMA = ProblemSchema

    def __init__(self, app: Flask) -> None:
        super().__init__(app, spec_kwargs={"extra_plugins": [OperationIds()]})

    def init_app(self, app: Flask, **options: Any) -> None:
        # This call documents the errors. Other responses are documented with their blueprints.
        self.DEFAULT_RESPONSE_CONTENT_TYPE = MEDIA_TYPE
        super().init_app(app, **options)
        del self.DEFAULT_RESPONSE_CONTENT_TYPE
        app.register_error_handler(TimeoutError, handle_timeout)

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Respond to an HTTP error with a problem, and with the error's headers such as Allow."""
        data = getattr(error, "data", {})  # the arguments of flask_smorest.abort()
        headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
        headers.update(data.get("headers") or {})
        errors = limit_errors(data.get("errors") or data.get("messages") or {})
        members = {"errors": errors} if errors else {}
        status = error.code or 500
        if status < 500:
            log.info("request.refused", extra={"status": status, **members})
        detail = data.get("message") or error.description or ""
        return problem(status, detail, headers=headers, **members)


def handle_timeout(error: TimeoutError) -> Response:
    """Respond to work that exceeded its deadline."""
    log.warning("deadline.exceeded", exc_info=error)
    return problem(503, "The request took too long.")
