"""The caller of the current request, as its access token describes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import g


@dataclass(frozen=True, slots=True)
class Caller:
    """A person or a program that calls, as the claims of a valid token describe it.

    Requests with the same token share one object.
    """

    subject: str
    scopes: frozenset[str]
    claims: Mapping[str, Any] = field(repr=False)  # may be personal data


def current_caller() -> Caller:
    """Return the caller of the current request; raise `LookupError` if the operation is public."""
    caller: Caller | None = g.get("caller")
    if caller is None:
        raise LookupError("A public operation has no caller. Remove @public to require a token.")
    return caller
