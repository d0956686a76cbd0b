"""The security of each operation in the OpenAPI document, from the marks that are enforced."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from apispec import BasePlugin

SCHEME_NAME = "access_token"
SCHEME = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class SecurityPlugin(BasePlugin):
    """Documents what `scopes_of` returns for the endpoint and the method of each operation."""

    def __init__(self, scopes_of: Callable[[str, str], frozenset[str] | None]) -> None:
        self._scopes_of = scopes_of

    def init_spec(self, spec: Any) -> None:
        spec.components.security_scheme(SCHEME_NAME, SCHEME)

    def operation_helper(
        self, path: Any = None, operations: Any = None, rule: Any = None, **_: Any
    ) -> None:
        for method, operation in operations.items():
            scopes = self._scopes_of(rule.endpoint, method.upper())
            operation["security"] = [] if scopes is None else [{SCHEME_NAME: sorted(scopes)}]
            for status in (401, 403) if scopes is not None else ():
                operation["responses"].setdefault(status, HTTPStatus(status).name)
