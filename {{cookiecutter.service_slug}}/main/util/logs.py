"""Logs: one JSON object a line on stderr, each with the id of the request it belongs to."""

import json
import logging
import logging.config
import re
import uuid
from contextvars import ContextVar
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from flask import Flask

REQUEST_ID_HEADER = "X-Request-ID"

# What is taken over from a caller ends up in log lines and headers: keep it plain.
# nginx holds the same pattern in deploy/nginx.conf.
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)

# The id of the request that this thread serves or served last; None before the first.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


class RequestIdFilter(logging.Filter):
    """Put the current request's id on every record that passes."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let everything pass; add `request_id` where there is a request."""
        current = request_id.get()
        if current is not None:
            record.request_id = current
        return True


def configure(level: str) -> None:
    """Set up logging as main/resources/logging.json says, from this level on."""
    text = resources.files("main.resources").joinpath("logging.json").read_text("utf-8")
    logging.config.dictConfig(json.loads(text))
    logging.getLogger().setLevel(level)


def init_app(app: "Flask") -> None:
    """Give every request an id, taken over or made, and return it in the answer.

    Around the application rather than in its hooks: that costs a third of the time.
    """
    inner = app.wsgi_app

    def with_request_id(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        current = environ.get("HTTP_X_REQUEST_ID", "")
        if not WELL_FORMED.fullmatch(current):
            current = uuid.uuid4().hex
        request_id.set(current)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            headers.append((REQUEST_ID_HEADER, current))
            return start_response(status, headers, *rest)

        return inner(environ, start)

    app.wsgi_app = with_request_id  # type: ignore[method-assign]
