"""Exchange: a request, its redirects within one origin, and a response of bounded size."""

import os
from types import UnionType
from typing import Any, Protocol, TypeVar, overload
from urllib.parse import urljoin

import marshmallow as ma
import msgspec
import urllib3
from requests import PreparedRequest, Response
from requests.utils import get_environ_proxies

from main.util.http_client import errors
from main.util.http_client.transport import adapter_of

CHUNK_SIZE = 65_536

T = TypeVar("T")


class Call(Protocol):
    """The signature of `Client.get` and others: their result has the type `into`."""

    @overload
    def __call__(
        self, path: str = "", *, into: ma.Schema | type[ma.Schema] | UnionType = ..., **options: Any
    ) -> Any: ...

    @overload
    def __call__(self, path: str = "", *, into: type[T], **options: Any) -> T: ...


@errors.translate_errors()
def send(
    request: PreparedRequest, connect: float, read: float, max_bytes: int
) -> tuple[int, bytes]:
    """Send a request; return the status of the response, which is a success, and its body.

    The timeouts are in seconds. Redirects of GET are followed within the origin (RFC 6454).
    Raises an `UpstreamError` for any other response, or one over `max_bytes`.
    """
    verify = os.environ.get("REQUESTS_CA_BUNDLE", True)
    proxies = get_environ_proxies(str(request.url))
    adapter = adapter_of(os.getpid())
    timeout = (connect, read)
    for _ in range(6):  # the request and at most five redirects
        with adapter.send(request, timeout=timeout, verify=verify, proxies=proxies) as response:
            if not response.is_redirect or request.method != "GET":
                return response.status_code, _read(response, max_bytes)
            request.prepare_url(urljoin(response.url, response.headers["Location"]), None)
            # The origin is compared after `prepare_url` has normalized the target.
            if not urllib3.connection_from_url(response.url).is_same_host(str(request.url)):
                raise errors.UpstreamRejected("redirect to another origin", response.status_code)
    raise errors.UpstreamRejected("more than 5 redirects")


def decode(status: int, body: bytes, into: Any) -> Any:
    """Return the body as `into`, which `Client.request` describes."""
    if into is bytes:
        return body
    if status == 204 and into is Any:
        return None
    if isinstance(into, type) and issubclass(into, ma.Schema):
        into = into()
    try:
        if isinstance(into, ma.Schema):
            return into.load(msgspec.json.decode(body), unknown=ma.EXCLUDE)
        return msgspec.json.decode(body, type=into)
    except (ValueError, RecursionError, ma.ValidationError) as error:
        raise errors.UpstreamInvalid(str(error)) from error


def _read(response: Response, max_bytes: int) -> bytes:
    status = response.status_code
    if status in (429, 502, 503, 504):
        retry_after = urllib3.Retry().get_retry_after(response.raw) or 0
        raise errors.UpstreamUnavailable(f"status {status}", status, retry_after)
    if not 200 <= status < 300:
        raise errors.UpstreamRejected(f"status {status}", status)
    body = bytearray()
    for chunk in response.raw.stream(CHUNK_SIZE, decode_content=True):
        body += chunk
        if len(body) > max_bytes:
            raise errors.UpstreamInvalid(f"body of more than {max_bytes} bytes")
    return bytes(body)
