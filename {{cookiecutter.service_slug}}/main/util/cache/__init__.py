"""Cache: `@cached` and `@cached_many` keep results in the store that the project chose."""

from main.util.cache.backend import CacheSettings
from main.util.cache.cache import clear, create_cache, outcome_observers, ping
from main.util.cache.decorator import CachedFunction, cached
from main.util.cache.many import CachedManyFunction, cached_many

__all__ = [
    "CacheSettings",
    "CachedFunction",
    "CachedManyFunction",
    "cached",
    "cached_many",
    "clear",
    "create_cache",
    "outcome_observers",
    "ping",
]
