"""The settings of this service: one attribute an environment variable."""

import environ

from main.util.cache_backend import CacheSettings
from main.util.config import flag, one_of, setting


@environ.config(prefix="APP", frozen=True)
class Settings:
    """What the service reads from its environment."""

    log_level: str = setting(
        "APP_LOG_LEVEL",
        "INFO",
        one_of("DEBUG", "INFO", "WARNING", "ERROR"),
        "The least severe events that are logged.",
    )
    server_timing: bool = setting(
        "APP_SERVER_TIMING",
        "false",
        flag,
        "Tell callers in Server-Timing how long @timed calls took.",
    )
    cache: CacheSettings = environ.group(CacheSettings)
