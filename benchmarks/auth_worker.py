"""Runs in a rendered service with auth=jwt: measures requests with tokens in process.

python auth_worker.py prints {algorithm: {public, known, new: CPU microseconds}} as JSON.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from time import process_time
from typing import Any
from unittest import mock

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from main.application import create_app
from main.util.web.auth import public
from main.util.web.auth.issuer import Issuer
from main.util.web.auth.keys import KeySet
from werkzeug.test import EnvironBuilder

TURNS, CALLS = 15, 200
SETTINGS = {"APP_AUTH_ISSUER": "https://issuer.example", "APP_AUTH_AUDIENCE": "service"}
KEYS: dict[str, Any] = {
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "RS256": rsa.generate_private_key(65537, 2048),
}


def public_keys() -> KeySet:
    """Return the public keys of the issuer."""
    types = {"ES256": ECAlgorithm, "RS256": RSAAlgorithm}
    published = [
        {**types[name].to_jwk(key.public_key(), as_dict=True), "kid": name}
        for name, key in KEYS.items()
    ]
    return KeySet(published, list(KEYS))


def tokens(algorithm: str, count: int) -> list[str]:
    """Return tokens that differ."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": SETTINGS["APP_AUTH_ISSUER"],
        "aud": SETTINGS["APP_AUTH_AUDIENCE"],
    }
    claims |= {"iat": now, "exp": now + 3600, "scope": "orders:read orders:write"}
    return [
        jwt.encode({**claims, "sub": f"user-{n}"}, KEYS[algorithm], algorithm, {"kid": algorithm})
        for n in range(count)
    ]


def duration(app: Callable[..., Any], path: str, sent: Iterator[str]) -> float:
    """Return the microseconds of one of CALLS requests with the next tokens."""
    environs = [
        EnvironBuilder(path, headers={"Authorization": f"Bearer {next(sent)}"}).get_environ()
        for _ in range(CALLS)
    ]
    statuses = []
    started = process_time()
    for environ in environs:
        app(environ, lambda status, *_: statuses.append(status))
    elapsed = process_time() - started
    assert set(statuses) == {"200 OK"}, set(statuses)
    return elapsed / CALLS * 1e6


def measure(app: Callable[..., Any], algorithm: str) -> dict[str, list[float]]:
    """Measure the kinds of requests alternately."""
    known, *new = tokens(algorithm, (TURNS + 1) * CALLS + 1)
    fresh = iter(new)
    series: dict[str, list[float]] = {"public": [], "known": [], "new": []}
    for turn in range(TURNS + 1):
        measured = {
            "public": duration(app, "/open", iter([known] * CALLS)),
            "known": duration(app, "/closed", iter([known] * CALLS)),
            "new": duration(app, "/closed", fresh),
        }
        if turn:  # the first one warms up
            for name, value in measured.items():
                series[name].append(value)
    return series


def main() -> None:
    """Measure both algorithms."""
    with mock.patch.object(Issuer, "fetch_keys", return_value=public_keys()):
        app = create_app(SETTINGS)
        app.add_url_rule("/open", view_func=public(lambda: "ok"), endpoint="open")
        app.add_url_rule("/closed", view_func=lambda: "ok", endpoint="closed")
        sys.stdout.write(json.dumps({name: measure(app, name) for name in KEYS}) + "\n")


if __name__ == "__main__":
    main()
