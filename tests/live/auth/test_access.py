"""Callers with a valid token pass, and nobody else's response reaches them."""

import json

import pytest

from harness.auth_service import AuthService
from harness.fakes.issuer import FakeIssuer, bearer
from harness.http import JSON
from harness.problem import assert_problem

NUMBERS = json.dumps({"numbers": [7]})


def test_a_public_operation_needs_no_token(service: AuthService) -> None:
    """Health checks and the documentation are public, too."""
    for path in ("/v1/hello", "/livez", "/readyz", "/docs/", "/docs/openapi.json"):
        assert service.get(path).status == 200
    assert "http_server_request_duration_seconds" in service.metrics()


@pytest.mark.parametrize("number", [0, 1], ids=["RS256", "ES256"])
def test_a_valid_token_identifies_the_caller(
    service: AuthService, issuer: FakeIssuer, number: int
) -> None:
    """The issuer has a key of each type, and signs with an independent implementation."""
    token = issuer.token(issuer.keys[number], sub="Zoë", scope="a b")
    caller = service.get("/caller", bearer(token)).json()
    assert (caller["subject"], caller["scopes"]) == ("Zoë", ["a", "b"])


def test_an_operation_is_denied_by_default(service: AuthService) -> None:
    """The challenge follows RFC 6750: without a token it has no error."""
    response = service.get("/v1/pages")
    assert_problem(response, 401)
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="my-service"'
    assert response.headers["Cache-Control"] == "no-store"


def test_an_operation_may_require_a_scope(service: AuthService, issuer: FakeIssuer) -> None:
    """The challenge names it."""
    authorized = {**JSON, **bearer(issuer.token())}
    assert service.call("POST", "/v1/primes", NUMBERS, authorized).status == 200
    other = {**JSON, **bearer(issuer.token(scope="primes:write"))}
    refused = service.call("POST", "/v1/primes", NUMBERS, other)
    assert_problem(refused, 403)
    assert 'error="insufficient_scope", scope="primes:read"' in refused.headers["WWW-Authenticate"]


def test_a_response_to_an_authorized_request_is_never_shared(
    service: AuthService, issuer: FakeIssuer
) -> None:
    """The operation wrongly declares it public."""
    calls = set()
    for subject in ("a", "a", "b"):
        response = service.get("/caller", bearer(issuer.token(sub=subject)))
        assert response.json()["subject"] == subject
        assert "public" not in response.headers["Cache-Control"]
        assert "private" in response.headers["Cache-Control"]
        calls.add(response.json()["call"])
    assert len(calls) == 3
    assert_problem(service.get("/caller"), 401)
