"""Transport: sessions of requests that keep the deadline.

The timeouts of requests are for connecting and for each read. An upstream that sends one byte a
second never exceeds them. Here, each read from the socket ends at the deadline, too:

    DeadlineAdapter -> pool of urllib3 -> connection -> DeadlineResponse -> DeadlineReader -> socket

This relies on `ConnectionCls` of urllib3, and on `response_class` and `fp` of http.client; a test
fails if one of them disappears. Nothing limits the time for resolving a name.
"""

import http.client
import io
import logging
import os
import socket
import threading
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from main.util.context import deadline

# The debug messages of urllib3 contain queries, which may contain credentials.
logging.getLogger("urllib3").setLevel(logging.INFO)


class ThreadLocalSessions(threading.local):
    """A session for each thread, because they are not thread-safe, and for each process."""

    process: int | None = None
    session: requests.Session

    def get(self) -> requests.Session:
        """Return the session of this thread."""
        if self.process != os.getpid():
            self.process = os.getpid()
            self.session = Session()
        return self.session


class Session(requests.Session):
    """A session that keeps the deadline, and that neither stores cookies nor follows redirects."""

    def __init__(self) -> None:
        super().__init__()
        # A cookie that is set for one of our callers must not be sent for another.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.mount("http://", DeadlineAdapter())
        self.mount("https://", DeadlineAdapter())

    def get_redirect_target(self, resp: requests.Response) -> None:
        # Otherwise, requests reads the whole body of a redirect even if it does not follow it.
        return None


class DeadlineReader(io.RawIOBase):
    """Reads from a socket until the deadline, or until the timeout of the socket."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._socket = sock
        self._timeout = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = deadline.remaining()
        if not remaining:
            raise TimeoutError("the deadline has passed")
        self._socket.settimeout(min(remaining, self._timeout or remaining))
        try:
            return self._raw.readinto(buffer)
        finally:
            self._socket.settimeout(self._timeout)

    def close(self) -> None:
        self._raw.close()
        super().close()


class DeadlineResponse(http.client.HTTPResponse):
    """A response that is read by a `DeadlineReader`."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(DeadlineReader(self.fp.detach(), sock))


class DeadlineAdapter(HTTPAdapter):
    """Gives the connections of every pool, also through a proxy, responses with a deadline."""

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if pool.ConnectionCls.response_class is not DeadlineResponse:
            attributes = {"response_class": DeadlineResponse}
            pool.ConnectionCls = type("DeadlineConnection", (pool.ConnectionCls,), attributes)
        return pool
