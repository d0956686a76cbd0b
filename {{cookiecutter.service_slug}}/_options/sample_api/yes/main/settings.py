"""The settings of this service: one attribute an environment variable."""

import environ
from flask import current_app

from main.util.cache_backend import CacheSettings
from main.util.config import one_of, setting, urls, whole
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
    hello_max_age: int = setting(
        "APP_HELLO_MAX_AGE",
        "1",
        whole(0, 3600),
        "Seconds for which nginx and clients may keep GET /v1/hello; 0 turns that off.",
    )
    upstream_urls: tuple[str, ...] = setting(
        "APP_UPSTREAM_URLS",
        "",
        urls,
        "What GET /v1/pages fetches: addresses separated by commas.",
        secret=True,  # a refused one may hold a password
    )
    timing: TimingSettings = environ.group(TimingSettings)
    pools: PoolSettings = environ.group(PoolSettings)
    cache: CacheSettings = environ.group(CacheSettings)


def current() -> Settings:
    """Return the settings of the application that serves this request."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings
