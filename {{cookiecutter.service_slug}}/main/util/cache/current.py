"""The cache of the application, or of a process without one."""

from main.util.cache.backend import CacheSettings, CacheStore
from main.util.cache.cache import Cache
from main.util.cache.keys import NAMESPACE
from main.util.config import current_scope


def create_cache(settings: CacheSettings) -> Cache:
    """Return the cache that the settings describe."""
    return Cache(CacheStore(settings), ttl=settings.ttl)


def current_cache() -> Cache:
    """Return the cache of the current scope."""
    return current_scope().get(create_cache, CacheSettings)


def clear() -> None:
    """Invalidate all results of this service."""
    current_cache().invalidate(NAMESPACE)


def ping() -> None:
    """Raise an exception if the store does not work."""
    current_cache().store.ping()
