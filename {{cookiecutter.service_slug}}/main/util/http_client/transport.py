"""Transport: an adapter of requests that keeps the deadline.

The timeouts of requests are for connecting and for each read. An upstream that sends one byte a
second never exceeds them. Here, each read from the socket ends at the deadline, too:

    DeadlineAdapter -> pool of urllib3 -> connection -> DeadlineResponse -> DeadlineReader -> socket

This relies on `ConnectionCls` of urllib3, and on `response_class` and `fp` of http.client; a test
fails if one of them disappears. Nothing limits the time for resolving a name.
"""

import http.client
import io
import logging
import socket
from functools import cache
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import Retry

from main.util.context import deadline

# The debug messages of urllib3 contain queries, which may contain credentials.
logging.getLogger("urllib3").setLevel(logging.INFO)


class DeadlineReader(io.RawIOBase):
    """Reads from a socket until the deadline, or until the timeout of a read."""

    def __init__(self, raw: io.RawIOBase, sock: Any) -> None:
        self._raw = raw
        self._socket = sock
        self._timeout = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = deadline.remaining()
        if not remaining:
            raise TimeoutError("the deadline has passed")
        self._socket.settimeout(min(remaining, self._timeout))
        return self._raw.readinto(buffer)

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

    def __init__(self) -> None:
        # Any other retries would raise errors whose texts contain the query.
        super().__init__(pool_maxsize=64, max_retries=Retry(False))

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if pool.ConnectionCls.response_class is not DeadlineResponse:
            attributes = {"response_class": DeadlineResponse}
            pool.ConnectionCls = type("DeadlineConnection", (pool.ConnectionCls,), attributes)
        return pool


@cache
def adapter_of(process_id: int) -> DeadlineAdapter:
    """Return the adapter of a process: a forked one must not use the connections of its parent.

    Threads share it. Unlike a session, it neither stores cookies nor reads a .netrc file.
    """
    return DeadlineAdapter()
