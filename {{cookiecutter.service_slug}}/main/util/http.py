"""HTTP: a client of other services that is never slower, larger or quieter than agreed.

One `Client` an upstream. Every call has time-outs for connecting, for each read and for all
of it; only idempotent ones are tried again; the answer's size is bounded; the request id goes
along; redirects lead to no other host; and what can go wrong is one family of exceptions.
"""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import unquote, urljoin, urlsplit

import marshmallow as ma
import msgspec
import requests
import urllib3
from requests.auth import AuthBase

from main.util import deadline
from main.util.config import is_url
from main.util.http_session import Sessions
from main.util.logs import REQUEST_ID_HEADER, request_id

# Seconds. The last one is for everything together, and must stay below uWSGI's harakiri.
CONNECT_TIMEOUT = 1.0
READ_TIMEOUT = 4.0
TOTAL_TIMEOUT = 10.0

MAX_BYTES = 8 * 1024 * 1024
CHUNK = 64 * 1024

# What may be asked twice without doing anything twice, and the answers that invite to.
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
TRY_AGAIN = frozenset({429, 502, 503, 504})
RETRIES = 2
BACKOFF = 0.1  # seconds, doubled each time, of which a random part is waited

REDIRECTS = 5


class UpstreamError(Exception):
    """Another service did not do its part; `status` is what our caller is told."""

    status: ClassVar[int] = 502
    summary: ClassVar[str] = "A service that this one relies on failed."


class UpstreamTimeout(UpstreamError):
    """It took longer than we wait."""

    status = 504
    summary = "A service that this one relies on did not answer in time."


class UpstreamUnavailable(UpstreamError):
    """It cannot be reached, or says that it is not available; perhaps for how long, in seconds."""

    status = 503
    summary = "A service that this one relies on is not available."

    def __init__(self, detail: str, retry_after: float = 0.0) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class UpstreamRejected(UpstreamError):
    """It answered with an error, or sent us elsewhere; `answered` is its own status."""

    summary = "A service that this one relies on refused the request."

    def __init__(self, detail: str, answered: int) -> None:
        super().__init__(detail)
        self.answered = answered


class UpstreamInvalid(UpstreamError):
    """It answered with what we cannot read: not JSON, not the schema, too large."""

    summary = "A service that this one relies on gave an unreadable answer."


class Bearer(AuthBase):
    """Authorization by a token, or by what a function returns: the token of the day."""

    def __init__(self, token: str | Callable[[], str]) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign the request."""
        token = self.token if isinstance(self.token, str) else self.token()
        request.headers["Authorization"] = f"Bearer {token}"
        return request


Auth = tuple[str, str] | Callable[[requests.PreparedRequest], requests.PreparedRequest]


class Client:
    """A service that this one calls.

    `auth` is a (user, password) pair, a `Bearer`, or any callable that signs a request. Seconds:
    `connect` for a connection, `read` for each read, `total` for a call with all its tries; the
    deadline that the caller has may be earlier. An answer of over `max_bytes` is refused.
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: Auth | None = None,
        connect: float = CONNECT_TIMEOUT,
        read: float = READ_TIMEOUT,
        total: float = TOTAL_TIMEOUT,
        retries: int = RETRIES,
        max_bytes: int = MAX_BYTES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not is_url(base_url):
            raise ValueError("base_url must be an http or https address; credentials go into auth")
        self.base_url = base_url.rstrip("/")
        self.auth = auth
        self.connect = connect
        self.read = read
        self.total = total
        self.retries = retries
        self.max_bytes = max_bytes
        self.sleep = sleep
        self._sessions = Sessions()

    def get(self, path: str = "", *, schema: ma.Schema | None = None, **options: Any) -> Any:
        """GET a path below the base URL; return the JSON, loaded by the schema if given."""
        return self.request("GET", path, schema=schema, **options)

    def request(
        self, method: str, path: str = "", *, schema: ma.Schema | None = None, **options: Any
    ) -> Any:
        """Call the service; `options` are those of requests, such as `params` and `json`.

        Returns the JSON, loaded by the schema if given; None if there is no content (204).
        Raises an `UpstreamError` whenever there is no good answer to return.
        """
        status, body = self._call(method, path, options)
        if status == requests.codes.no_content:
            return None
        try:
            data = msgspec.json.decode(body)
            return data if schema is None else schema.load(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError, ma.ValidationError) as error:
            raise UpstreamInvalid(f"{self.base_url}: {error}") from error

    def fetch(self, method: str, path: str = "", **options: Any) -> bytes:
        """Call the service; return the body, whatever it is."""
        return self._call(method, path, options)[1]

    def _call(self, method: str, path: str, options: dict[str, Any]) -> tuple[int, bytes]:
        """Call the service, again if that is harmless and may help; return status and body."""
        url = self._url(path)
        method = method.upper()
        # requests leaves out a header that is None.
        options["headers"] = {REQUEST_ID_HEADER: request_id.get(), **options.get("headers", {})}
        retries = self.retries if method in IDEMPOTENT else 0
        attempt = 0
        with deadline.within(self.total):
            while True:
                try:
                    return self._attempt(method, url, options)
                except UpstreamUnavailable as error:
                    # Random, so that those who failed together do not come back together.
                    pause = max(error.retry_after, random.uniform(0, BACKOFF * 2**attempt))
                    if attempt == retries or pause >= deadline.remaining():
                        raise
                self.sleep(pause)
                attempt += 1

    def _url(self, path: str) -> str:
        """Return the address of a path below the base URL."""
        if ".." in unquote(path).replace("\\", "/").split("/"):
            raise ValueError(f"{path!r} leads out of {self.base_url}")
        return f"{self.base_url}/{path.lstrip('/')}" if path else self.base_url

    def _attempt(self, method: str, url: str, options: dict[str, Any]) -> tuple[int, bytes]:
        """Ask once, and where that leads to on the same host."""
        for _ in range(REDIRECTS + 1):
            remaining = deadline.remaining()
            if not remaining:
                raise UpstreamTimeout(f"{self.base_url}: no time is left")
            try:
                with self._sessions.get().request(
                    method,
                    url,
                    timeout=(min(self.connect, remaining), min(self.read, remaining)),
                    auth=self.auth or _unsigned,
                    allow_redirects=False,  # see _next
                    stream=True,
                    **options,
                ) as response:
                    if not (response.is_redirect and method in ("GET", "HEAD")):
                        self._check(response)
                        return response.status_code, self._read(response)
                    url = self._next(url, response)
                    options = {**options, "params": None}  # the address holds them
            except (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError) as error:
                raise UpstreamTimeout(f"{self.base_url}: {error}") from error
            except urllib3.exceptions.DecodeError as error:
                raise UpstreamInvalid(f"{self.base_url}: {error}") from error
            except (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL):
                raise  # a mistake of our own
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                raise UpstreamUnavailable(f"{self.base_url}: {error}") from error
        raise UpstreamRejected(f"{self.base_url}: over {REDIRECTS} redirects", response.status_code)

    def _next(self, url: str, response: requests.Response) -> str:
        """Return the address of a redirect; where we connect is configured, not answered."""
        with suppress(ValueError):
            target = urljoin(url, response.headers["Location"])
            if _origin(target) == _origin(url):
                return target
        told = f"{self.base_url}: {response.status_code} leads to another host"
        raise UpstreamRejected(told, response.status_code)

    def _check(self, response: requests.Response) -> None:
        """Raise for an answer that is no success."""
        told = f"{self.base_url}: {response.status_code}"
        if response.status_code in TRY_AGAIN:
            raise UpstreamUnavailable(told, _retry_after(response))
        if not 200 <= response.status_code < 300:
            raise UpstreamRejected(told, response.status_code)

    def _read(self, response: requests.Response) -> bytes:
        """Read the body as it comes, until it ends or grows too large."""
        body = bytearray()
        while chunk := response.raw.read1(CHUNK, decode_content=True):
            body += chunk
            if len(body) > self.max_bytes:
                raise UpstreamInvalid(f"{self.base_url}: more than {self.max_bytes} bytes")
        return bytes(body)


def _unsigned(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave the request as it is; without this, requests would look for a .netrc file."""
    return request


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _retry_after(response: requests.Response) -> float:
    """Return the seconds that the answer asks us to wait; 0 if it does not say so in a form."""
    with suppress(urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        return urllib3.Retry().parse_retry_after(response.headers.get("Retry-After", ""))
    return 0.0
