"""Concurrency: map a function over items, on threads for I/O or on processes for the CPU."""

from main.util.concurrency.maps import (
    process_map,
    process_map_unordered,
    thread_map,
    thread_map_unordered,
)
from main.util.concurrency.pools import PoolSettings

__all__ = [
    "PoolSettings",
    "process_map",
    "process_map_unordered",
    "thread_map",
    "thread_map_unordered",
]
