"""The settings of the packages in this folder."""

from dataclasses import dataclass

from main.util.auth_settings import AuthSettings
from main.util.cache import CacheSettings
from main.util.concurrency import PoolSettings
from main.util.observability import ObservabilitySettings


@dataclass(frozen=True, kw_only=True)
class UtilSettings:
    """A group for each package that has settings; `main.settings` adds those of the service."""

    observability: ObservabilitySettings
    concurrency: PoolSettings
    cache: CacheSettings
    auth: AuthSettings
