"""Cache: `@cached` and `@cached_many` keep results in the store that the project chose."""

from main.util.cache.backend import CacheSettings
from main.util.cache.cache import outcome_observers
from main.util.cache.current import clear, create_cache, ping
from main.util.cache.decorator import cached, cached_many

__all__ = [
    "CacheSettings",
    "cached",
    "cached_many",
    "clear",
    "create_cache",
    "outcome_observers",
    "ping",
]
