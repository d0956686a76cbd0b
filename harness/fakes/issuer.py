"""A fake of an OAuth 2.0 issuer. joserfc signs its tokens: services verify them with PyJWT."""

import json
import threading
import time
from collections import Counter
from typing import Any

from joserfc import jwk, jws, jwt

from harness.fakes.server import FakeHTTPService, Reply

METADATA_PATH = "/.well-known/openid-configuration"
KEYS_PATH = "/keys"
AUDIENCE = "the-service"
Key = jwk.RSAKey | jwk.ECKey


def rsa_key(key_id: str) -> jwk.RSAKey:
    """Return a new key pair with this id."""
    return jwk.RSAKey.generate_key(2048, {"kid": key_id, "use": "sig"})


def ec_key(key_id: str) -> jwk.ECKey:
    """Return a new key pair with this id."""
    return jwk.ECKey.generate_key("P-256", {"kid": key_id})


class FakeIssuer(FakeHTTPService):
    """Publishes metadata and `keys`, and signs tokens; `requests` counts requests by path.

    While `status` is not 200, every response has this status.
    """

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[Key] = [rsa_key("rsa"), ec_key("ec")]
        self.requests: Counter[str] = Counter()
        self.status = 200
        self._lock = threading.Lock()

    @property
    def settings(self) -> dict[str, str]:
        """Return the settings of a service that trusts this issuer."""
        return {"APP_AUTH_ISSUER": self.url, "APP_AUTH_AUDIENCE": AUDIENCE}

    def reply(self, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        """Return the metadata or the public keys."""
        with self._lock:
            self.requests[path] += 1
        if self.status != 200:
            return self.status, b""
        if path == METADATA_PATH:
            return 200, json.dumps({"issuer": self.url, "jwks_uri": self.url + KEYS_PATH}).encode()
        if path == KEYS_PATH:
            public = [key.as_dict(private=False) for key in self.keys]
            return 200, json.dumps({"keys": public}).encode()
        return 404, b""

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a valid token; `changes` replace them, and None removes one."""
        now = int(time.time())
        valid = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "zoe",
            "scope": "primes:read",
            "iat": now,
            "exp": now + 600,
        }
        return {name: value for name, value in (valid | changes).items() if value is not None}

    def token(
        self, key: Key | None = None, headers: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        """Sign a token with a key, default: the first; the arguments replace parts of it."""
        key = key or self.keys[0]
        algorithm = {"RSA": "RS256", "EC": "ES256"}[key.key_type]
        header = {"alg": algorithm, "kid": key.kid, "typ": "at+jwt"} | (headers or {})
        registry = jws.JWSRegistry(algorithms=[header["alg"]], strict_check_header=False)
        return jwt.encode(header, self.claims(**changes), key, registry=registry)


def bearer(token: str) -> dict[str, str]:
    """Return the header of a request with this token."""
    return {"Authorization": f"Bearer {token}"}
