"""Client: calls an upstream, within its timeouts and its size limit."""

import logging
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import partialmethod
from time import perf_counter
from typing import Any
from urllib.parse import unquote, urlsplit

from requests import Response

from main.util.config import is_url
from main.util.context import REQUEST_ID_HEADER, current_request_id, deadline
from main.util.http_client.auth import Auth, no_auth
from main.util.http_client.errors import UpstreamError, UpstreamRejected, translate_errors
from main.util.http_client.response import check_status, decode, read_body, redirect_target
from main.util.http_client.retry import IDEMPOTENT_METHODS, retry
from main.util.http_client.transport import ThreadLocalSessions
from main.util.observability import Observers

log = logging.getLogger(__name__)

# Seconds. Must stay below the timeout of a request, so that our caller gets a 504.
TOTAL_TIMEOUT = 10.0

MAX_REDIRECTS = 5

# Called with host, method, status or kind of error, and seconds.
call_observers: Observers[[str, str, str, float]] = Observers()


@dataclass(eq=False)
class Client:
    """A client of one upstream.

    `auth` is a (user, password) pair, a `Bearer`, or a function that adds credentials to a
    request. `headers` are sent with each request. The timeouts are in seconds: `connect` for a
    connection, `read` for each read, `total` for a call with its retries. The deadline of the
    request may be earlier. A body of more than `max_bytes` is an error.
    """

    base_url: str
    _: KW_ONLY
    auth: Auth | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    connect: float = 1.0
    read: float = 4.0
    total: float = TOTAL_TIMEOUT
    retries: int = 2
    max_bytes: int = 8 * 1024 * 1024

    def __post_init__(self) -> None:
        if not is_url(self.base_url) or "?" in self.base_url:
            message = "base_url must be an http:// or https:// URL without user and query"
            raise ValueError(f"{message}; pass these as auth and params")
        self._sessions = ThreadLocalSessions()

    def request(self, method: str, path: str = "", *, into: Any = Any, **options: Any) -> Any:
        """Call the upstream; return the JSON of the response, or None for no content (204).

        `path` is relative to the base URL. `into` is a marshmallow schema that loads the JSON, a
        type such as a dataclass, or `bytes` for the body as it is. The other options are those of
        requests, such as `params`, `json` and `headers`. Idempotent methods are retried.

        Raises an `UpstreamError` if the call fails.
        """
        method = method.upper()
        url = self._url(path)
        retries = self.retries if method in IDEMPOTENT_METHODS else 0
        started = perf_counter()
        try:
            with deadline.timeout(self.total):
                status, body = retry(lambda: self._send(method, url, options), retries)
            result = decode(status, body, into)
        except UpstreamError as error:
            # Without the query, which may contain credentials.
            error.args = (f"{method} {url.partition('?')[0]}: {error}",)
            kind = type(error).__name__.lower()
            _record(method, url, error.upstream_status or kind, perf_counter() - started)
            raise
        _record(method, url, status, perf_counter() - started)
        return result

    get = partialmethod(request, "GET")
    post = partialmethod(request, "POST")
    put = partialmethod(request, "PUT")
    patch = partialmethod(request, "PATCH")
    delete = partialmethod(request, "DELETE")

    def _url(self, path: str) -> str:
        if ".." in unquote(path).replace("\\", "/").split("/"):
            raise ValueError(f"path must stay below {self.base_url}; got {path!r}")
        return f"{self.base_url.rstrip('/')}/{path.lstrip('/')}" if path else self.base_url

    def _send(self, method: str, url: str, options: dict[str, Any]) -> tuple[int, bytes]:
        """Send the request once, and follow redirects; return the status and the body."""
        for _ in range(MAX_REDIRECTS + 1):
            with translate_errors(), self._open(method, url, options) as response:
                if not response.is_redirect or method not in ("GET", "HEAD"):
                    check_status(response)
                    return response.status_code, read_body(response, self.max_bytes)
                url = redirect_target(response)
                options = {**options, "params": None}  # The target has its own query.
        raise UpstreamRejected(f"more than {MAX_REDIRECTS} redirects", response.status_code)

    def _open(self, method: str, url: str, options: dict[str, Any]) -> Response:
        """Return the response, before its body is read."""
        seconds = deadline.remaining()
        if not seconds:
            raise TimeoutError("the deadline has passed")
        request_id = {REQUEST_ID_HEADER: current_request_id.get()}
        headers = {**request_id, **self.headers, **options.get("headers", {})}
        return self._sessions.get().request(
            method,
            url,
            **{**options, "headers": headers},
            auth=self.auth or no_auth,  # Without any, requests would read a .netrc file.
            timeout=(min(self.connect, seconds), min(self.read, seconds)),
            allow_redirects=False,
            stream=True,
        )


def _record(method: str, url: str, status: int | str, seconds: float) -> None:
    """Log the call and notify the observers."""
    parts = urlsplit(url)
    fields = {"upstream": parts.netloc, "method": method, "path": parts.path, "status": status}
    log.info("upstream.called", extra={**fields, "seconds": round(seconds, 6)})
    call_observers.notify(parts.netloc, method, str(status), seconds)
