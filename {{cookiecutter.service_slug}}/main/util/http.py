"""HTTP: a client of other services that is never slower, larger or quieter than agreed.

One `Client` an upstream. Every call has time-outs for connecting, for each read and for all
of it; only idempotent ones are tried again; the answer's size is bounded; the request id goes
along; and what can go wrong is one family of exceptions.
"""

import json
import os
import random
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar

import marshmallow as ma
import requests
import urllib3

from main.util.logs import REQUEST_ID_HEADER, request_id

# Seconds. The last one is for everything together, and must stay below uWSGI's harakiri.
CONNECT_TIMEOUT = 1.0
READ_TIMEOUT = 4.0
TOTAL_TIMEOUT = 10.0

MAX_BYTES = 8 * 1024 * 1024
CHUNK = 64 * 1024

# What may be asked twice without doing anything twice, and the answers that invite to.
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
TRY_AGAIN = frozenset({502, 503, 504})
RETRIES = 2
BACKOFF = 0.1  # seconds, doubled each time, of which a random part is waited


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
    """It answered with an error."""

    summary = "A service that this one relies on refused the request."


class UpstreamInvalid(UpstreamError):
    """It answered with what we cannot read: not JSON, not the schema, too large."""

    summary = "A service that this one relies on gave an unreadable answer."


class Client:
    """A service that this one calls.

    `auth` is what requests takes: a (user, password) pair or a callable that signs a request.
    `total` bounds a call in seconds, retries and body included.
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: Any = None,
        total: float = TOTAL_TIMEOUT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.auth = auth
        self.total = total
        self.sleep = sleep
        self._local = threading.local()

    def get(self, path: str = "", *, schema: ma.Schema | None = None, **options: Any) -> Any:
        """GET a path below the base URL; return the JSON, loaded by the schema if given."""
        return self.request("GET", path, schema=schema, **options)

    def request(
        self, method: str, path: str = "", *, schema: ma.Schema | None = None, **options: Any
    ) -> Any:
        """Call the service; `options` are those of requests, such as `params` and `json`.

        Raises an `UpstreamError` whenever there is no good answer to return.
        """
        body = self.fetch(method, path, **options)
        try:
            data = json.loads(body)
            return data if schema is None else schema.load(data)
        except (ValueError, RecursionError, ma.ValidationError) as error:
            raise UpstreamInvalid(f"{self.base_url}: {error}") from error

    def fetch(self, method: str, path: str = "", **options: Any) -> bytes:
        """Call the service, again if that is harmless and may help; return the body."""
        deadline = time.monotonic() + self.total
        # requests leaves out a header that is None.
        options["headers"] = {REQUEST_ID_HEADER: request_id.get(), **options.get("headers", {})}
        retries = RETRIES if method in IDEMPOTENT else 0
        attempt = 0
        while True:
            try:
                return self._attempt(method, path, deadline, options)
            except UpstreamUnavailable as error:
                # Random, so that those who failed together do not come back together.
                pause = max(error.retry_after, random.uniform(0, BACKOFF * 2**attempt))
                if attempt == retries or time.monotonic() + pause >= deadline:
                    raise
            self.sleep(pause)
            attempt += 1

    def _attempt(self, method: str, path: str, deadline: float, options: dict[str, Any]) -> bytes:
        url = f"{self.base_url}/{path.lstrip('/')}" if path else self.base_url
        remaining = max(deadline - time.monotonic(), 0.001)
        try:
            with self._session().request(
                method,
                url,
                timeout=(min(CONNECT_TIMEOUT, remaining), min(READ_TIMEOUT, remaining)),
                auth=self.auth,
                allow_redirects=False,  # where we connect is configured, not answered
                stream=True,
                **options,
            ) as response:
                self._check(response)
                return self._read(response, deadline)
        except (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError) as error:
            raise UpstreamTimeout(f"{self.base_url}: {error}") from error
        except (requests.RequestException, OSError) as error:
            raise UpstreamUnavailable(f"{self.base_url}: {error}") from error
        except urllib3.exceptions.HTTPError as error:  # broken off, or wrongly encoded
            raise UpstreamInvalid(f"{self.base_url}: {error}") from error

    def _check(self, response: requests.Response) -> None:
        """Raise for an answer that is no success."""
        told = f"{self.base_url}: {response.status_code}"
        if response.status_code in TRY_AGAIN:
            raise UpstreamUnavailable(told, _retry_after(response))
        if not 200 <= response.status_code < 300:
            raise UpstreamRejected(told)

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        """Read the body as it comes, until it ends, grows too large or takes too long."""
        body = bytearray()
        while chunk := response.raw.read1(CHUNK, decode_content=True):
            body += chunk
            if len(body) > MAX_BYTES:
                raise UpstreamInvalid(f"{self.base_url}: more than {MAX_BYTES} bytes")
            if time.monotonic() > deadline:
                raise UpstreamTimeout(f"{self.base_url}: more than {self.total} seconds")
        return bytes(body)

    def _session(self) -> requests.Session:
        """Return this thread's session: they are not to be shared, nor to outlive a fork."""
        if getattr(self._local, "pid", None) != os.getpid():
            self._local.pid = os.getpid()
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        return session


def _retry_after(response: requests.Response) -> float:
    """Return the seconds that the answer asks us to wait; 0 unless it gives a number."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0
