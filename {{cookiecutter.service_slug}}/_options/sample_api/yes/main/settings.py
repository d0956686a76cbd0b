"""The settings of this service, read from environment variables."""

from dataclasses import dataclass

from main.util.config import current_scope, integer, setting, url_list
from main.util.settings import UtilSettings


@dataclass(frozen=True, kw_only=True)
class Settings(UtilSettings):
    """The service's own settings, besides those of `main.util`."""

    hello_max_age: int = setting(
        "APP_HELLO_MAX_AGE",
        "1",
        integer(0, 3600),
        "Seconds for which nginx and clients may keep GET /v1/hello; 0 turns that off.",
    )
    upstream_urls: tuple[str, ...] = setting(
        "APP_UPSTREAM_URLS",
        "",
        url_list,
        "URLs that GET /v1/pages fetches, separated by commas.",
        secret=True,
    )


def current() -> Settings:
    """Return the settings in force: the application's, or else those of the environment.

    Works in requests, in services, in pool threads and pool processes, and in scripts.
    """
    return current_scope().settings(Settings)
