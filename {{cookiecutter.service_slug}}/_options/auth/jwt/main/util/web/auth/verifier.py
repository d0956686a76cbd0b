"""Verifier: decides whether a token is valid, by RFC 8725 and, for its type, RFC 9068."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable
from functools import lru_cache
from time import time
from types import MappingProxyType
from typing import Any

import jwt
import msgspec
from jwt.types import Options

from main.util.auth_settings import AuthSettings
from main.util.web.auth.caller import Caller
from main.util.web.auth.issuer import Issuer
from main.util.web.auth.keys import Keys, KeySet

# Characters.
MAX_TOKEN = 8 * 1024
# Verified tokens that each worker remembers.
MAX_RESULTS = 1024
# A signed token has three parts. An encrypted one has five.
SIGNED = re.compile(r"([\w-]+)\.[\w-]+\.[\w-]+", re.ASCII)
# "at+jwt" is for access tokens alone, but most issuers still write "JWT" or nothing.
ACCESS_TOKEN_TYPES = {"", "jwt", "at+jwt", "application/at+jwt"}
OPTIONS: Options = {
    "require": ["exp", "iss", "aud", "sub"],
    "enforce_minimum_key_length": True,
}
REASONS = {
    jwt.ExpiredSignatureError: "The token has expired.",
    jwt.ImmatureSignatureError: "The token is not yet valid.",
    jwt.InvalidAudienceError: "The token is for another audience.",
    jwt.InvalidIssuerError: "The token is of another issuer.",
    jwt.InvalidSignatureError: "The signature of the token is invalid.",
    jwt.MissingRequiredClaimError: "The token must have the claims exp, iss, aud and sub.",
}


class InvalidToken(Exception):
    """A token is not valid. The text says why and contains no part of the token."""


class UnknownKey(InvalidToken):
    """The issuer has no such key, or has published it a moment ago."""


class Header(msgspec.Struct):
    """The header of a token. A key or the URL of one (jwk, jku, x5c, x5u) is ignored."""

    alg: str
    kid: str | None = None
    typ: str = ""


class Verifier:
    """Verifies tokens with the keys of the issuer, and remembers the valid ones."""

    def __init__(
        self, settings: AuthSettings, keys: Keys, clock: Callable[[], float] = time
    ) -> None:
        self.keys = keys
        self._settings = settings
        self._clock = clock
        # New keys are new arguments: a token of a withdrawn key is verified again.
        self._verified = lru_cache(MAX_RESULTS)(self._verify)

    def caller(self, token: str) -> Caller:
        """Return the caller that a token describes.

        Raises `InvalidToken`, or an `UpstreamError` if the keys are not available.
        """
        if len(token) > MAX_TOKEN:
            raise InvalidToken(f"The token must have at most {MAX_TOKEN} characters.")
        keys = self.keys.current()
        try:
            caller = self._verified(token, keys)
        except UnknownKey:
            caller = self._verified(token, self.keys.refresh() or keys)
        if self._clock() >= int(caller.claims["exp"]) + self._settings.leeway:
            raise InvalidToken(REASONS[jwt.ExpiredSignatureError])
        return caller

    def _verify(self, token: str, keys: KeySet) -> Caller:
        header = read_header(token)
        key = keys.find(header.kid, header.alg)
        if key is None:
            raise UnknownKey("The token must be signed by a key of the issuer.")
        try:
            claims = jwt.decode(
                token,
                key,
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=self._settings.leeway,
                options=OPTIONS,
            )
        except jwt.PyJWTError as error:
            raise InvalidToken(REASONS.get(type(error), "The token is malformed.")) from None
        return Caller(claims["sub"], scopes_of(claims), MappingProxyType(claims))


def scopes_of(claims: dict[str, Any]) -> frozenset[str]:
    """Return the scopes of a token: by RFC 9068, or as Entra ID and Okta write them."""
    scopes = claims.get("scope", claims.get("scp", ""))
    if isinstance(scopes, str):
        scopes = scopes.split()
    if not isinstance(scopes, list):
        raise InvalidToken("The token is malformed.")
    return frozenset(map(str, scopes))


def read_header(token: str) -> Header:
    """Return the header of a token that may be an access token; else raise `InvalidToken`."""
    parts = SIGNED.fullmatch(token)
    if parts is None:
        raise InvalidToken("The token must be a signed JSON Web Token.")
    try:
        header = msgspec.json.decode(urlsafe_b64decode(parts[1] + "=="), type=Header)
    except (ValueError, RecursionError):
        raise InvalidToken("The token is malformed.") from None
    if header.typ.lower() not in ACCESS_TOKEN_TYPES:
        raise InvalidToken("The token must be an access token.")
    return header


def create_verifier(settings: AuthSettings) -> Verifier:
    """Return the verifier of the tokens that the settings describe."""
    return Verifier(settings, Keys(Issuer(settings).fetch_keys))
