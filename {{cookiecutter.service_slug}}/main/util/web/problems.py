"""Problems: error responses in the format of RFC 9457, application/problem+json."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import marshmallow as ma
import msgspec
from flask import Response

from main.util.context import current_request_id

MEDIA_TYPE = "application/problem+json"

# Bytes. A larger problem is sent without its detail and additional members.
MAX_PROBLEM = 16 * 1024

# Messages about invalid fields, and characters of each message and of each field's name.
MAX_ERRORS = 20
MAX_TEXT = 100


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
    errors = ma.fields.Dict(
        metadata={"description": "The invalid fields: location, then field, then messages."}
    )


def problem(
    status: int,
    detail: str = "",
    *,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> Response:
    """Create a response for a problem.

    `detail` explains it to the caller. `members` are added to the standard ones.
    """
    standard = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": current_request_id.get(),
    }
    body = msgspec.json.encode({name: value for name, value in standard.items() if value} | members)
    if len(body) > MAX_PROBLEM:
        return problem(status, headers=headers)
    return Response(body, status, headers, content_type=MEDIA_TYPE)


def limit_errors(errors: Any, allowed: Iterator[int] | None = None) -> Any:
    """Return the first messages of marshmallow's nested errors, each with its field.

    `allowed` yields once for each message that may still be added.
    """
    allowed = allowed or iter(range(MAX_ERRORS))
    if isinstance(errors, Mapping):
        limited = ((str(field), limit_errors(nested, allowed)) for field, nested in errors.items())
        return {field[:MAX_TEXT]: nested for field, nested in limited if nested}
    messages = errors if isinstance(errors, list) else [errors]
    return [str(message)[:MAX_TEXT] for message, _ in zip(messages, allowed, strict=False)]
