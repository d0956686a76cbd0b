"""Forged, stolen and malformed tokens are refused, and appear nowhere."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any, Literal

import pytest
from joserfc import jwe, jwk, jws

from harness.auth_service import AuthService
from harness.fakes.issuer import FakeIssuer, bearer, ec_key, rsa_key
from harness.http import Response
from harness.problem import assert_problem

HOUR = 3600
EVIL = "https://evil.example/keys"


def encode(data: Any) -> str:
    """Return a part of a token."""
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def unsigned(issuer: FakeIssuer, algorithm: str) -> str:
    """Return a token without a signature."""
    return f"{encode({'alg': algorithm, 'kid': 'rsa'})}.{encode(issuer.claims())}."


def signed_with_public_key(issuer: FakeIssuer, form: Literal["PEM", "DER"]) -> str:
    """Return an HMAC token whose secret is the issuer's public key."""
    secret = issuer.keys[0].as_bytes(form, private=False)
    text = f"{encode({'alg': 'HS256', 'kid': 'rsa'})}.{encode(issuer.claims())}"
    return f"{text}.{encode(hmac.digest(secret, text.encode(), 'sha256'))}"


def tampered(issuer: FakeIssuer) -> str:
    """Return a token whose payload was replaced."""
    header, _, signature = issuer.token(scope="").split(".")
    return f"{header}.{encode(issuer.claims(sub='admin'))}.{signature}"


def truncated(issuer: FakeIssuer) -> str:
    """Return a token whose signature is too short."""
    return issuer.token()[:-20]


def with_key_in_header(issuer: FakeIssuer) -> str:
    """Return a token that brings its own key."""
    mine = rsa_key("rsa")
    return issuer.token(mine, {"jwk": mine.as_dict(private=False)})


def encrypted(issuer: FakeIssuer) -> str:
    """Return a valid token inside of an encrypted one."""
    header = {"alg": "RSA-OAEP", "enc": "A256GCM", "kid": "rsa", "cty": "JWT"}
    return jwe.encrypt_compact(header, issuer.token(), jwk.RSAKey.generate_key(2048))


def nested(issuer: FakeIssuer) -> str:
    """Return a token whose payload is a valid token."""
    header = {"alg": "RS256", "kid": "rsa", "cty": "JWT"}
    return jws.serialize_compact(header, issuer.token(), issuer.keys[0])


def with_unknown_extension(issuer: FakeIssuer) -> str:
    """Return a token with a critical header that nobody knows."""
    header = {"alg": "RS256", "kid": "rsa", "crit": ["x"], "x": 1}
    return f"{encode(header)}.{encode(issuer.claims())}.{encode(b'x' * 256)}"


def deep(issuer: FakeIssuer) -> str:
    """Return a token whose header is nested deeply."""
    header = b'{"alg":' + b"[" * 4000
    return f"{encode(header)}.e30.e30"


FORGED: dict[str, Callable[[FakeIssuer], str]] = {
    "no algorithm": lambda issuer: unsigned(issuer, "none"),
    "no algorithm, in capitals": lambda issuer: unsigned(issuer, "NONE"),
    "no signature": lambda issuer: unsigned(issuer, "RS256"),
    "HMAC with the public key": lambda issuer: signed_with_public_key(issuer, "PEM"),
    "HMAC with the public key as DER": lambda issuer: signed_with_public_key(issuer, "DER"),
    "algorithm of another key": lambda issuer: issuer.token(
        ec_key("rsa"), {"alg": "ES256", "kid": "rsa"}
    ),
    "algorithm that is not allowed": lambda issuer: issuer.token(headers={"alg": "RS512"}),
    "key of another issuer": lambda issuer: issuer.token(rsa_key("rsa")),
    "another issuer": lambda issuer: issuer.token(iss="https://evil.example"),
    "issuer with a slash": lambda issuer: issuer.token(iss=f"{issuer.url}/"),
    "issuer as a list": lambda issuer: issuer.token(iss=[issuer.url]),
    "no issuer": lambda issuer: issuer.token(iss=None),
    "another audience": lambda issuer: issuer.token(aud="other"),
    "beginning of the audience": lambda issuer: issuer.token(aud=["the", "service"]),
    "no audience": lambda issuer: issuer.token(aud=None),
    "expired": lambda issuer: issuer.token(exp=int(time.time()) - HOUR),
    "no expiry": lambda issuer: issuer.token(exp=None),
    "infinite expiry": lambda issuer: issuer.token(exp=1e999),
    "not yet valid": lambda issuer: issuer.token(nbf=int(time.time()) + HOUR),
    "issued in the future": lambda issuer: issuer.token(iat=int(time.time()) + HOUR),
    "no subject": lambda issuer: issuer.token(sub=None),
    "tampered payload": tampered,
    "truncated signature": truncated,
    "unknown key id": lambda issuer: issuer.token(rsa_key("unknown")),
    "key id that is a path": lambda issuer: issuer.token(rsa_key("../../../../dev/null")),
    "key id that is SQL": lambda issuer: issuer.token(rsa_key("' UNION SELECT 'secret")),
    "key id that is a number": lambda issuer: f"{encode({'alg': 'RS256', 'kid': 7})}.e30.e30",
    "URL of keys": lambda issuer: issuer.token(rsa_key("rsa"), {"jku": EVIL}),
    "URL of a certificate": lambda issuer: issuer.token(rsa_key("rsa"), {"x5u": EVIL}),
    "key in the header": with_key_in_header,
    "unknown critical header": with_unknown_extension,
    "token for another purpose": lambda issuer: issuer.token(headers={"typ": "logout+jwt"}),
    "encrypted": encrypted,
    "nested": nested,
    "deeply nested header": deep,
    "not a token": lambda issuer: "hunter2hunter2",
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_refused(service: AuthService, issuer: FakeIssuer, name: str) -> None:
    """With a 401 that says why, and neither the response nor the log contains a part of it."""
    token = FORGED[name](issuer)
    response = service.get("/caller", bearer(token) | {"X-Request-ID": name_of(name)})
    assert_problem(response, 401)
    assert 'error="invalid_token", error_description="' in response.headers["WWW-Authenticate"]
    assert_nowhere(service, response, token, name_of(name))


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/caller", ["Bearer {token}", "Bearer {token}"], 400),
        ("/caller", ["Bearer {token}", "Basic enVsdQ=="], 400),
        ("/caller", ["Bearer {token}, Bearer {token}"], 400),
        ("/caller", ["Bearer {token} {token}"], 400),
        ("/caller", ["Bearer"], 400),
        ("/caller?access_token={token}", [], 400),
        ("/caller?access_token={token}", ["Bearer {token}"], 400),
        ("/caller", ["Basic {token}"], 401),
        ("/caller", ["{token}"], 401),
        ("/caller", ["Bearer {token}" + "x" * 7000], 401),
        ("/caller", ["Bearer {token}" + "x" * 9000], 431),
    ],
    ids=[
        "two headers",
        "two headers of different schemes",
        "two tokens",
        "two tokens without a comma",
        "no token",
        "query string",
        "query string and header",
        "another scheme",
        "no scheme",
        "large token",
        "larger than a header may be",
    ],
)
def test_a_token_must_be_sent_as_rfc_6750_demands(
    service: AuthService, issuer: FakeIssuer, path: str, headers: list[str], status: int
) -> None:
    """The token itself is valid."""
    token = issuer.token()
    request_id = f"sent-{time.monotonic_ns()}"
    lines = [
        f"GET {path.format(token=token)} HTTP/1.1",
        f"Host: {service.url[7:]}",
        f"X-Request-ID: {request_id}",
        "Connection: close",
        *(f"Authorization: {value.format(token=token)}" for value in headers),
    ]
    raw = service.send_raw("\r\n".join([*lines, "", ""]).encode())
    response = Response.parse(raw)
    assert response.status == status, response.body
    assert response.headers["Content-Type"] == "application/problem+json"
    assert_nowhere(service, response, token, response.headers["X-Request-ID"])


def test_a_token_is_in_no_metric_and_no_log_of_a_failure(
    service: AuthService, issuer: FakeIssuer
) -> None:
    """The operation raises an exception with the representation of its caller."""
    token = issuer.token(email="zoe@example.com")
    response = service.get("/fails", bearer(token) | {"X-Request-ID": "that-fails"})
    assert_problem(response, 500)
    assert_nowhere(service, response, token, "that-fails")
    assert "zoe@example.com" not in service.log.text()
    metrics = service.metrics()
    assert 'route="/fails"' in metrics
    assert not [part for part in token.split(".") if part in metrics]


def name_of(case: str) -> str:
    """Return a request id for a case."""
    return f"case-{case.translate(str.maketrans(' ,', '--'))}"


def assert_nowhere(stack: AuthService, response: Response, token: str, request_id: str) -> None:
    """Wait for the log line; assert that neither it nor the response has a part of the token."""
    stack.log.wait_for_line(request_id=request_id, event="request.served")
    written = stack.log.text() + str(response.headers) + response.body.decode()
    parts = [part for part in token.split(".") if len(part) > 12]
    assert not [part for part in parts if part in written]
