"""Settings that every store has; backend.py adds those of the chosen one."""

from dataclasses import dataclass
from typing import Any

from main.util.config import integer, positive_seconds, setting

# Bytes.
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class StoreSettings:
    """Settings that every store has."""

    ttl: float = setting(
        "APP_CACHE_TTL",
        "300",
        positive_seconds,
        "Seconds for which a cached result is fresh by default.",
    )


def size_setting(default: str, help: str) -> Any:
    """Declare APP_CACHE_SIZE: megabytes, whatever the store."""
    return setting("APP_CACHE_SIZE", default, integer(1, 1_000_000), help)
