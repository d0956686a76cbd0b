"""Assertions about problem details (RFC 9457)."""

import re

from harness.http import Response

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Server": "nginx",
}


def assert_problem(response: Response, status: int) -> None:
    """Assert that the response is a complete problem with this status."""
    assert response.status == status, response.body
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == "about:blank"
    assert problem["status"] == status
    assert re.fullmatch(r"[A-Z][A-Za-z -]+", problem["title"])
    assert problem["title"] != "Error"
    assert problem["request_id"] == response.headers["X-Request-ID"]
    assert len(problem["request_id"]) >= 8
    sent = {name: response.headers[name] for name in SECURITY_HEADERS}
    assert sent == SECURITY_HEADERS
