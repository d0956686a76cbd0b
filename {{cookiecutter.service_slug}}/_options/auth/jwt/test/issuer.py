"""An issuer for tests: its tokens are real, and its keys need no network."""

from time import time
from typing import Any
from unittest import mock

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from jwt.algorithms import ECAlgorithm

from main.util.web.auth.access import required_scopes
from main.util.web.auth.issuer import Issuer
from main.util.web.auth.keys import KeySet
from test import ENVIRONMENT

KEY = ec.generate_private_key(ec.SECP256R1())
JWK: dict[str, Any] = ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True) | {"kid": "test"}

# No test leaves this process. Tests of the issuer itself stub its responses.
fetch_keys = Issuer.fetch_keys
mock.patch.object(Issuer, "fetch_keys", return_value=KeySet([JWK], ["ES256"])).start()


def make_token(*scopes: str, headers: dict[str, Any] | None = None, **claims: Any) -> str:
    """Return a valid token; `headers` and `claims` replace its own, and None removes one."""
    valid = {
        "iss": ENVIRONMENT["APP_AUTH_ISSUER"],
        "aud": ENVIRONMENT["APP_AUTH_AUDIENCE"],
        "sub": "somebody",
        "scope": " ".join(scopes),
        "iat": int(time()),
        "exp": int(time()) + 600,
    }
    payload = {name: value for name, value in (valid | claims).items() if value is not None}
    return jwt.encode(payload, KEY, "ES256", {"kid": "test"} | (headers or {}))


def every_scope(app: Flask) -> set[str]:
    """Return all scopes that the operations of an application require."""
    found: set[str] = set()
    for rule in app.url_map.iter_rules():
        for method in rule.methods or ():
            found |= required_scopes(app.view_functions[rule.endpoint], method) or frozenset()
    return found
