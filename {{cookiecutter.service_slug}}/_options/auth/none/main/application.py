"""The application: reads the settings, connects the parts, and registers the endpoints."""

import logging
from collections.abc import Mapping

from flask import Response

from main.controller import API_BLUEPRINTS, OTHER_BLUEPRINTS
from main.settings import Settings
from main.util import cache, config, http_client
from main.util.http_client import UpstreamError
from main.util.observability import logs, metrics, server_timing, timing
from main.util.web import Application, Dependency, problem
from main.util.web.middleware import with_context, with_metrics, with_queue_limit
from main.util.web.problems import ProblemApi

log = logging.getLogger(__name__)


def handle_upstream_error(error: UpstreamError) -> Response:
    """Respond to the failure of an upstream; the text of the error is for the log only."""
    log.warning("upstream.failed", exc_info=error)
    return problem(error.status, error.summary)


def handle_timeout(error: TimeoutError) -> Response:
    """Respond to work that exceeded its deadline."""
    log.warning("deadline.exceeded", exc_info=error)
    return problem(503, "The request took too long.")


def create_app(overrides: Mapping[str, str] | None = None) -> Application:
    """Create the application from the environment; `overrides` take precedence over it.

    Raises `SettingError`, which names every variable that is missing or invalid.
    """
    # Configure.
    settings = config.load(Settings, overrides)
    logs.configure(settings.observability.log_level)
    config.warn_about_unknown(Settings, overrides)
    app = Application(settings)
    app.config.from_mapping(config.FLASK_CONFIG)
    # A store that cannot be used must end the start, not the first request.
    app.extensions["scope"].get(cache.create_cache, cache.CacheSettings)

    # Connect.
    timing.observers[:] = [timing.log_call, metrics.observe_call]
    if settings.observability.server_timing:
        timing.observers.append(server_timing.add_call)
        app.before_request(server_timing.begin)
        app.after_request(server_timing.add_header)
    cache.outcome_observers[:] = [metrics.count_cache_call]
    http_client.call_observers[:] = [metrics.observe_upstream_call]
    app.extensions["dependencies"] = {"cache": Dependency(cache.ping, required=False)}

    # Outermost first.
    middleware = [with_context, with_metrics, with_queue_limit]
    for wrap in reversed(middleware):
        app.wsgi_app = wrap(app.wsgi_app)  # type: ignore[method-assign]

    # Register.
    api = ProblemApi(app)
    app.register_error_handler(TimeoutError, handle_timeout)
    app.register_error_handler(UpstreamError, handle_upstream_error)
    for api_blueprint in API_BLUEPRINTS:
        api.register_blueprint(api_blueprint)
    for other_blueprint in OTHER_BLUEPRINTS:
        app.register_blueprint(other_blueprint)
    return app
