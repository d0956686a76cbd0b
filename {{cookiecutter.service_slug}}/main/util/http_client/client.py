"""Client: calls an upstream within its timeouts and its size limit."""

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import partialmethod
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from requests import PreparedRequest, Request
from requests.utils import default_headers
from urllib3 import Retry

from main.util.config import is_url
from main.util.context import REQUEST_ID_HEADER, current_request_id, current_trace, deadline
from main.util.http_client.errors import UpstreamError, UpstreamTimeout, UpstreamUnavailable
from main.util.http_client.exchange import Call, decode, send

log = logging.getLogger(__name__)

# Seconds. Must stay below REQUEST_TIMEOUT of util.context.deadline: our caller gets a 504.
TOTAL_TIMEOUT = 10.0

Auth = tuple[str, str] | Callable[[PreparedRequest], PreparedRequest]

# Called with host, method, status or kind of error, and seconds; create_app() replaces them.
call_observers: list[Callable[[str, str, str, float], Any]] = []


class Bearer:
    """Authorization by a token (RFC 6750), or by a function that returns the current token.

    A token in a setting needs such a function: lambda: settings.current().rates_token
    """

    def __init__(self, token: str | Callable[[], str]) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        token = self._token if isinstance(self._token, str) else self._token()
        if not token.isprintable():
            raise ValueError("a token must be one line of text; look for a line break in it")
        request.headers["Authorization"] = f"Bearer {token}"
        return request


@dataclass
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
            raise ValueError("base_url must be an HTTP URL; pass users as auth, queries as params")

    def request(self, method: str, path: str = "", *, into: Any = Any, **options: Any) -> Any:
        """Call the upstream; return the JSON of the response, or None for no content (204).

        `path` is relative to the base URL. One with `..`, `?` or `#` is a `ValueError`: check what
        your callers send before it becomes part of a path. `into` is a marshmallow schema that
        loads the JSON, a type such as a dataclass, or `bytes` for the body as it is; unknown fields
        are ignored. With it, no content is an error. The other options are those of requests, such
        as `params`, `json` and `headers`. Idempotent methods are retried.

        Raises an `UpstreamError` if the call fails.
        """
        method = method.upper()
        url = self._url(path)
        headers = {**default_headers(), **self.headers, **options.pop("headers", {})}
        if request_id := current_request_id.get():
            headers.setdefault(REQUEST_ID_HEADER, request_id)
        if trace := current_trace.get():
            headers = {**trace.headers(), **headers}
        started = time.perf_counter()
        status: int | str = "error"
        try:
            with deadline.timeout(self.total):
                status, body = self._send(Request(method, url, headers, auth=self.auth, **options))
            return decode(status, body, into)
        except UpstreamError as error:
            status = error.upstream_status or type(error).__name__.lower()
            # Without the query, which may contain credentials.
            error.args = (f"{method} {url.partition('?')[0]}: {error}",)
            raise
        finally:
            seconds = time.perf_counter() - started
            host, path = urlsplit(url)[1:3]
            fields = {"upstream": host, "method": method, "path": path, "status": status}
            log.info("upstream.called", extra={**fields, "seconds": round(seconds, 6)})
            for observe in call_observers:
                observe(host, method, str(status), seconds)

    get = cast(Call, partialmethod(request, "GET"))
    post = cast(Call, partialmethod(request, "POST"))
    put = cast(Call, partialmethod(request, "PUT"))
    patch = cast(Call, partialmethod(request, "PATCH"))
    delete = cast(Call, partialmethod(request, "DELETE"))

    def _url(self, path: str) -> str:
        parts = unquote(path).replace("\\", "/").split("/")
        if ".." in parts or "?" in path or "#" in path:
            raise ValueError(
                f"path must stay below {self.base_url} and have no query; got {path!r}. "
                "Pass queries as params."
            )
        return f"{self.base_url.rstrip('/')}/{path.lstrip('/')}" if path else self.base_url

    def _send(self, request: Request) -> tuple[int, bytes]:
        """Send the request; repeat it while the upstream is unavailable and there is time."""
        retries = self.retries if request.method in Retry.DEFAULT_ALLOWED_METHODS else 0
        longest_pause = 0.1
        while remaining := deadline.remaining():
            connect = min(self.connect, remaining)
            try:
                return send(request.prepare(), connect, self.read, self.max_bytes)
            except UpstreamUnavailable as error:
                pause = error.retry_after + random.uniform(0, longest_pause)
                if not retries or pause >= deadline.remaining():
                    raise
            time.sleep(pause)
            retries -= 1
            longest_pause *= 2
        raise UpstreamTimeout("the deadline has passed")
