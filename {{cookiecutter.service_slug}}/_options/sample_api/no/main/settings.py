"""The settings of this service: one attribute an environment variable."""

import environ
from flask import current_app

from main.util.cache_backend import CacheSettings
from main.util.config import one_of, setting
from main.util.pools import PoolSettings
from main.util.timing import TimingSettings


@environ.config(prefix="APP", frozen=True)
class Settings:
    """What the service reads from its environment."""

    log_level: str = setting(
        "APP_LOG_LEVEL",
        "INFO",
        one_of("DEBUG", "INFO", "WARNING", "ERROR"),
        "The least severe events that are logged.",
    )
    timing: TimingSettings = environ.group(TimingSettings)
    pools: PoolSettings = environ.group(PoolSettings)
    cache: CacheSettings = environ.group(CacheSettings)


def current() -> Settings:
    """Return the settings of the application that serves this request."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings
