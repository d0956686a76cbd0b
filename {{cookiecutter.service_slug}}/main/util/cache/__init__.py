"""Cache: `@cached` and `@cached_many` keep results in a store.

decorator.py → cache.py → single_flight.py and circuit_breaker.py → backend.py, the chosen store.
Locks between processes and the circuit breaker matter only for stores that processes share.
"""

from main.util.cache.backend import CacheSettings
from main.util.cache.cache import outcome_observers
from main.util.cache.current import clear, create_cache, ping
from main.util.cache.decorator import cached, cached_many
