"""The issuer of access tokens, an authorization server: finds and fetches its public keys."""

from typing import TypeVar

import msgspec

from main.util.auth_settings import AuthSettings
from main.util.config import is_url
from main.util.http_client import Client, UpstreamInvalid
from main.util.web.auth.keys import KeySet

METADATA_PATH = ".well-known/openid-configuration"
MAX_BYTES = 256 * 1024

T = TypeVar("T")


class Metadata(msgspec.Struct):
    """The members of the issuer's metadata that matter here (OpenID Connect Discovery 1.0)."""

    issuer: str
    jwks_uri: str


class JsonWebKeys(msgspec.Struct):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, object]]


class Issuer:
    """Fetches the keys of the issuer that the settings name."""

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings
        self._jwks_url = settings.jwks_url

    def fetch_keys(self) -> KeySet:
        """Return the issuer's keys; raise an `UpstreamError` if it has none that can be used."""
        url = self._jwks_url or self._discover()
        # If this call fails, the next one discovers the URL again.
        self._jwks_url = self._settings.jwks_url
        keys = _get(url, JsonWebKeys).keys
        key_set = KeySet(keys, self._settings.algorithms)
        if not key_set:
            raise UpstreamInvalid(f"none of the {len(keys)} keys can be used")
        self._jwks_url = url
        return key_set

    def _discover(self) -> str:
        """Return the URL of the keys, from the issuer's metadata."""
        metadata = _get(f"{self._settings.issuer.rstrip('/')}/{METADATA_PATH}", Metadata)
        if metadata.issuer != self._settings.issuer:
            raise UpstreamInvalid(f"the metadata is that of {metadata.issuer!r}")
        if not is_url(metadata.jwks_uri):
            raise UpstreamInvalid("the metadata has no URL of the keys")
        return metadata.jwks_uri


def _get(url: str, into: type[T]) -> T:
    url, _, query = url.partition("?")
    # No retries: a flood of unknown key ids must not multiply.
    client = Client(url, connect=1, read=2, total=2, retries=0, max_bytes=MAX_BYTES)
    return client.get(params=query, into=into)
