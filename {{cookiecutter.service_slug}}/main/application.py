"""The application: reads the settings, connects the parts, and registers the endpoints."""

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit, urlunsplit

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import RequestRedirect

from main.controller import API_BLUEPRINTS, PAGE_BLUEPRINTS
from main.settings import Settings
from main.util import cache, config, http_client
from main.util.http_client import UpstreamError
from main.util.observability import logs, metrics, server_timing, timing
from main.util.web import Dependency, dependencies, problem
from main.util.web.api import ProblemApi
from main.util.web.json import MsgspecJSONProvider
from main.util.web.middleware import (
    with_deadline,
    with_metrics,
    with_request_id,
    with_response_defaults,
)

if TYPE_CHECKING:
    from flask.ctx import AppContext

log = logging.getLogger(__name__)


class NoSessions(SessionInterface):
    """Gives every request the same empty session, which nothing can be written to."""

    _session = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        return self._session


class Service(Flask):
    """Flask with the service's JSON and its scope, and without sessions."""

    json_provider_class = MsgspecJSONProvider
    session_interface = NoSessions()

    def __init__(self, settings: Settings) -> None:
        super().__init__("main", static_folder=None)
        self.extensions["scope"] = config.Scope(settings)

    def app_context(self) -> "AppContext":
        """Return Flask's context, in which this application's scope is the current one."""
        self.extensions["scope"].activate()
        return super().app_context()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is: no view is asynchronous behind uWSGI.

        Flask would look into every function of every request to find that out.
        """
        return func

    def raise_routing_exception(self, request: Request) -> NoReturn:
        """Redirect by a path: Werkzeug's redirect would repeat whatever Host the caller sent."""
        redirect = request.routing_exception
        if isinstance(redirect, RequestRedirect):
            url = urlsplit(redirect.new_url)
            redirect.new_url = urlunsplit(("", "", url.path, url.query, ""))
        super().raise_routing_exception(request)

    def log_exception(self, exc_info: Any) -> None:
        """Log an unhandled exception as one event, whatever the request was."""
        log.error("request.failed", exc_info=exc_info)


def handle_upstream_error(error: UpstreamError) -> Response:
    """Respond to the failure of an upstream; the text of the error is for the log only."""
    log.warning("upstream.failed", exc_info=error)
    return problem(error.status, error.summary)


def create_app(overrides: Mapping[str, str] | None = None) -> Service:
    """Create the application from the environment; `overrides` take precedence over it.

    Raises `SettingError`, which names every variable that is missing or invalid.
    """
    # Configure.
    settings = config.load(Settings, overrides)
    logs.configure(settings.observability.log_level)
    config.warn_about_unknown(Settings, overrides)
    app = Service(settings)
    app.config.from_mapping(config.DEFAULTS)
    # A store that cannot be used must end the start, not the first request.
    app.extensions["scope"].get(cache.create_cache, cache.CacheSettings)

    # Connect.
    timing.observers.register(timing.log_call, metrics.observe_call, server_timing.add_call)
    cache.outcome_observers.register(metrics.count_cache_call)
    http_client.call_observers.register(metrics.observe_upstream_call)

    # Outermost first.
    middleware = [with_deadline, with_request_id, with_response_defaults, with_metrics]
    for wrap in reversed(middleware):
        app.wsgi_app = wrap(app.wsgi_app)  # type: ignore[method-assign]
    if settings.observability.server_timing:
        app.before_request(server_timing.begin)
        app.after_request(server_timing.add_header)

    # Register.
    dependencies.register(app, "cache", Dependency(cache.ping, required=False))
    api = ProblemApi(app)
    app.register_error_handler(UpstreamError, handle_upstream_error)
    for api_blueprint in API_BLUEPRINTS:
        api.register_blueprint(api_blueprint)
    for page_blueprint in PAGE_BLUEPRINTS:
        app.register_blueprint(page_blueprint)
    return app
