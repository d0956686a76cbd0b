"""Authorization of requests to an upstream."""

from collections.abc import Callable

from requests import PreparedRequest
from requests.auth import AuthBase

# A (user, password) pair, or a function that adds credentials to a request.
Auth = tuple[str, str] | Callable[[PreparedRequest], PreparedRequest]


class Bearer(AuthBase):
    """Authorization by a token, or by a function that returns the current token (RFC 6750)."""

    def __init__(self, token: str | Callable[[], str]) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        token = self._token if isinstance(self._token, str) else self._token()
        request.headers["Authorization"] = f"Bearer {token}"
        return request


def no_auth(request: PreparedRequest) -> PreparedRequest:
    """Leave the request as it is."""
    return request
