"""The application: everything that serves requests, wired together."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask

from main.controller import BLUEPRINTS, docs
from main.settings import Settings
from main.util import cache, config, deadline, logs, metrics, pools, timing
from main.util.problems import ProblemApi
from main.util.schema import Json, Request

log = logging.getLogger(__name__)


class Service(Flask):
    """Flask, made to measure."""

    json_provider_class = Json
    request_class = Request

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is: no view is asynchronous behind uWSGI.

        Flask would look into every function of every request to find that out.
        """
        return func

    def log_exception(self, exc_info: Any) -> None:
        """Log a failure of our own as one event, whatever the request was."""
        log.error("request.failed", exc_info=exc_info)


def create_app(overrides: Mapping[str, str] | None = None) -> Service:
    """Build the application from the environment; `overrides` stand in front of it.

    Raises `SettingError`, which names the variable, when a setting is wrong.
    """
    settings = config.load(Settings, overrides)
    logs.configure(settings.log_level)
    config.warn_of_unknown(Settings, overrides)

    app = Service("main", static_folder=None)
    app.config.from_mapping(config.DEFAULTS)
    app.config["SETTINGS"] = settings

    metrics.init_app(app)
    logs.init_app(app)
    deadline.init_app(app)
    timing.init_app(app, settings.timing)
    pools.configure(settings.pools)
    cache.configure(settings.cache)

    api = ProblemApi(app)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    app.register_blueprint(docs.blueprint)
    return app
