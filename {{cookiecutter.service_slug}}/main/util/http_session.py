"""The sessions of the HTTP client: requests', made to keep a deadline.

A socket's time-out is for one read. A peer that sends a byte a second, of its headers say, never
exceeds it; here, each read may also take no longer than what is left until the deadline.
"""

import http.client
import io
import os
import socket
import threading
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from typing import Any, ClassVar

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from main.util import deadline


class Sessions:
    """One session a thread and process: they are not to be shared, nor to outlive a fork."""

    def __init__(self) -> None:
        self._local = threading.local()

    def get(self) -> requests.Session:
        """Return this thread's session."""
        if getattr(self._local, "pid", None) != os.getpid():
            self._local.pid = os.getpid()
            self._local.session = _new_session()
        session: requests.Session = self._local.session
        return session


class _Session(requests.Session):
    """A session that follows no redirects."""

    def resolve_redirects(self, *_: Any, **__: Any) -> Any:
        """Yield no further answers.

        Even told not to follow, requests would read a redirect to its end, however large.
        """
        return iter(())


def _new_session() -> requests.Session:
    session = _Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter())
    # What a peer sets while we ask for one caller is not to be sent when we ask for the next.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


class _Reader(io.RawIOBase):
    """Reads from a socket, no longer than its time-out and the deadline allow."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        self._timeout = sock.gettimeout()

    def readable(self) -> bool:
        """Tell that it can be read from."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what there is, at least a byte unless it has ended."""
        left = deadline.remaining()
        if not left:
            raise TimeoutError("the deadline has passed")
        self._sock.settimeout(left if self._timeout is None else min(self._timeout, left))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Give the socket back, as it was."""
        with suppress(OSError):  # closed before
            self._sock.settimeout(self._timeout)
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer that is read by a `_Reader`."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_Reader(self.fp.detach(), sock))


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    """Makes connections of ours, also through a proxy."""

    classes: ClassVar[dict[str, type[HTTPConnectionPool]]] = {"http": _Pool, "https": _SecurePool}

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make the manager of direct connections."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = self.classes

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        """Return the manager of connections through a proxy."""
        manager = super().proxy_manager_for(*arguments, **options)
        manager.pool_classes_by_scheme = self.classes
        return manager
