"""The application class: Flask with the scope of the service, and with less work for a request."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import MapAdapter

from main.util import config

if TYPE_CHECKING:
    from flask.ctx import AppContext

log = logging.getLogger(__name__)

T = TypeVar("T")


class NoSessions(SessionInterface):
    """Gives every request the same empty session, which nothing can be written to."""

    _session = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        return self._session


class CookieResponse(Response):
    """A response whose cookies are Secure, HttpOnly and SameSite=Lax by default."""

    def set_cookie(self, *args: Any, **options: Any) -> None:
        safe: dict[str, Any] = {"secure": True, "httponly": True, "samesite": "Lax"}
        super().set_cookie(*args, **(safe | options))


class Application(Flask):
    """Flask with the scope of the service, and without sessions and automatic redirects."""

    response_class = CookieResponse
    session_interface = NoSessions()

    def __init__(self, settings: Any) -> None:
        super().__init__("main", static_folder="resources/static")
        self.extensions["scope"] = config.Scope(settings)
        # Werkzeug would redirect by an absolute URL.
        self.url_map.strict_slashes = False
        self.url_map.merge_slashes = False
        self.url_map.redirect_defaults = False

    def app_context(self) -> "AppContext":
        """Activate this application's scope in the calling context; return Flask's context."""
        self.extensions["scope"].activate()
        return super().app_context()

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Match paths on any host; Flask would parse the host twice more."""
        if request is None:
            return super().create_url_adapter(request)
        return self.url_map.bind(
            request.host,
            request.root_path,
            url_scheme=request.scheme,
            default_method=request.method,
            path_info=request.path,
        )

    def ensure_sync(self, func: Callable[..., T]) -> Callable[..., T]:
        """Return the function: `Blueprint` refuses coroutine functions, so none needs wrapping."""
        return func

    def log_exception(self, exc_info: Any) -> None:
        """Log an unhandled exception as one event, whatever the request was."""
        log.error("request.failed", exc_info=exc_info)
