"""Bearer tokens: read the one of a request, and refuse a request, by RFC 6750."""

import re
from typing import Any

from flask import Request
from werkzeug.exceptions import HTTPException

from main.util.config import NAME

# The syntax of RFC 6750. It has no comma, by which WSGI servers join several headers.
CREDENTIALS = re.compile(r"Bearer +([\w.~+/-]+=*)", re.ASCII | re.IGNORECASE)


class Refusal(HTTPException):
    """A refused request, with a challenge; `parameters` are those of RFC 6750."""

    def __init__(self, status: int, detail: str, **parameters: str) -> None:
        super().__init__(detail)
        self.code = status
        # RFC 6750: without parameters if the caller did not send a token.
        described = {"error_description": detail} if parameters else {}
        self._parameters = {"realm": NAME} | parameters | described

    def get_headers(self, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        """Return the headers of the response."""
        parameters = ", ".join(f'{name}="{value}"' for name, value in self._parameters.items())
        challenge = ("WWW-Authenticate", f"Bearer {parameters}")
        return [*super().get_headers(*args, **kwargs), challenge]


def read_token(request: Request) -> str:
    """Return the token of the request; raise a `Refusal` if there is not exactly one."""
    if b"&access_token=" in b"&" + request.query_string:
        detail = "The token must be in the Authorization header: URLs are logged."
        raise Refusal(400, detail, error="invalid_request")
    header = request.headers.get("Authorization", "")
    if not header[:6].lower() == "bearer":
        raise Refusal(401, "An access token is required.")
    credentials = CREDENTIALS.fullmatch(header)
    if credentials is None:
        detail = "The Authorization header must have one token, after Bearer."
        raise Refusal(400, detail, error="invalid_request")
    return credentials[1]
