"""Settings of access tokens: who issues them, for whom, and how they are signed.

They are outside of main.util.web because pool processes read settings and do not need Flask.
"""

from dataclasses import dataclass

from main.util.config import integer, is_url, setting

# All have public keys. With a shared secret, each service could issue tokens for the others.
ALGORITHMS = frozenset(
    {"ES256", "ES384", "ES512", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"}
)


def issuer_url(text: str) -> str:
    """Accept the URL of an issuer, which is the beginning of other URLs (RFC 8414)."""
    if not is_url(text) or "?" in text or "#" in text:
        raise ValueError("an http:// or https:// URL without credentials, query and fragment")
    return text


def optional_url(text: str) -> str:
    """Accept an HTTP URL without credentials, or nothing."""
    if text and not is_url(text):
        raise ValueError("an http:// or https:// URL without credentials")
    return text


def algorithm_list(text: str) -> tuple[str, ...]:
    """Accept algorithms with public keys, separated by commas."""
    names = tuple(part.strip() for part in text.split(","))
    if not set(names) <= ALGORITHMS:
        raise ValueError(f"algorithms of {', '.join(sorted(ALGORITHMS))}, separated by commas")
    return names


@dataclass(frozen=True, kw_only=True)
class AuthSettings:
    """Which access tokens are valid."""

    issuer: str = setting(
        "APP_AUTH_ISSUER",
        None,
        issuer_url,
        "URL of the issuer of access tokens, as in their claim iss.",
    )
    audience: str = setting(
        "APP_AUTH_AUDIENCE", None, str, "Name of this service in the claim aud of access tokens."
    )
    jwks_url: str = setting(
        "APP_AUTH_JWKS_URL",
        "",
        optional_url,
        "URL of the issuer's keys; by default, its metadata names it.",
    )
    algorithms: tuple[str, ...] = setting(
        "APP_AUTH_ALGORITHMS",
        "RS256,ES256",
        algorithm_list,
        "Algorithms that may sign access tokens, separated by commas.",
    )
    leeway: int = setting(
        "APP_AUTH_LEEWAY",
        "30",
        integer(0, 300),
        "Seconds by which the clocks of the issuer and of the service may differ.",
    )
