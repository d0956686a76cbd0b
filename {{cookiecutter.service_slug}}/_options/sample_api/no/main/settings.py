"""The settings of this service, read from environment variables."""

from dataclasses import dataclass

from main.util.cache import CacheSettings
from main.util.concurrency import PoolSettings
from main.util.config import current_scope
from main.util.observability import ObservabilitySettings


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The service's own settings, and one group for each package of `main.util` that has any."""

    observability: ObservabilitySettings
    concurrency: PoolSettings
    cache: CacheSettings


def current() -> Settings:
    """Return the settings in force: the application's, or else those of the environment.

    Works in requests, in services, in pool threads and pool processes, and in scripts.
    """
    return current_scope().settings(Settings)
