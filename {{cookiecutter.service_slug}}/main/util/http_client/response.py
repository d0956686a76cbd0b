"""Response: check it, read it up to a limit, and decode it."""

from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

import marshmallow as ma
import msgspec
from requests import Response

from main.util.http_client.errors import UpstreamInvalid, UpstreamRejected, UpstreamUnavailable
from main.util.http_client.retry import RETRYABLE_STATUSES, parse_retry_after

CHUNK_SIZE = 64 * 1024


def check_status(response: Response) -> None:
    """Raise an error unless the response is a success."""
    status = response.status_code
    if status in RETRYABLE_STATUSES:
        retry_after = parse_retry_after(response.headers.get("Retry-After", ""))
        raise UpstreamUnavailable(f"status {status}", status, retry_after)
    if not 200 <= status < 300:
        raise UpstreamRejected(f"status {status}", status)


def redirect_target(response: Response) -> str:
    """Return the URL of a redirect; raise an error if it has another origin (RFC 6454)."""
    with suppress(ValueError):
        target = urljoin(response.url, response.headers["Location"])
        if _origin(target) == _origin(response.url):
            return target
    raise UpstreamRejected("redirect to another origin", response.status_code)


def read_body(response: Response, max_bytes: int) -> bytes:
    """Return the decompressed body; raise an error if it is longer than `max_bytes`."""
    body = bytearray()
    while chunk := response.raw.read1(CHUNK_SIZE, decode_content=True):
        body += chunk
        if len(body) > max_bytes:
            raise UpstreamInvalid(f"body of more than {max_bytes} bytes")
    return bytes(body)


def decode(status: int, body: bytes, into: Any) -> Any:
    """Return the body as `into`, which `Client.request` describes; None for no content."""
    if into is bytes:
        return body
    if status == HTTPStatus.NO_CONTENT:
        return None
    try:
        if isinstance(into, ma.Schema):
            return into.load(msgspec.json.decode(body))
        return msgspec.json.decode(body, type=into)
    except (msgspec.DecodeError, UnicodeError, RecursionError, ma.ValidationError) as error:
        raise UpstreamInvalid(f"{error}") from error


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
