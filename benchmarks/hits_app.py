"""A service that measures cache hits beside alternatives; replaces main/wsgi.py of a service.

`GET /hits/STORE` returns {subject: [µs a call, …]}, measured alternately with one key.
"""

import json
import math
import tempfile
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import msgspec
from main.application import create_app
from main.util.cache import cached, cached_many
from main.util.cache.current import current_cache

TURNS, CALLS = 51, 100
VALUE = {"number": 112272535095293, "prime": True, "factors": [1, 112272535095293]}

Subjects = dict[str, Callable[[], Any]]


@cached(ttl=math.inf)
def ours(number: int) -> Any:
    """Return the cached value."""
    return VALUE


@cached_many(ttl=math.inf)
def ours_many(numbers: Sequence[int]) -> list[Any]:
    """Return a cached value for each number."""
    return [VALUE for _ in numbers]


def _raw_key() -> str:
    """Store VALUE as plain JSON; return its key, which is as long as one of `ours`."""
    key = f"{ours.cache_key(1)[:-1]}-"
    current_cache().store.set(key, msgspec.json.encode(VALUE), math.inf)
    return key


def memory() -> Subjects:
    """Return other caches in a process's memory."""
    import dogpile.cache
    import flask_caching

    region = dogpile.cache.make_region().configure("dogpile.cache.memory")
    dogpile_cached = region.cache_on_arguments()(lambda number: VALUE)
    flask_cache = flask_caching.Cache(app, config={"CACHE_TYPE": "SimpleCache"})
    memoized = flask_cache.memoize(300)(lambda number: VALUE)
    return {"dogpile.cache": lambda: dogpile_cached(1), "Flask-Caching": lambda: memoized(1)}


def file() -> Subjects:
    """Return cachelib with JSON as its serializer."""
    from cachelib import FileSystemCache

    class JsonSerializer:
        """Write and read JSON."""

        def dump(self, value: Any, file: Any, protocol: int = 0) -> None:
            """Write the value."""
            file.write(json.dumps(value).encode())

        def load(self, file: Any) -> Any:
            """Read the value."""
            return json.load(file)

    class JsonFileSystemCache(FileSystemCache):
        """A folder of JSON files."""

        serializer = JsonSerializer()

    files = JsonFileSystemCache(tempfile.mkdtemp(), threshold=1024)
    files.set("key", VALUE)
    return {"cachelib with JSON": lambda: files.get("key")}


def _timed(get: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a client's `get` with a new time limit for each call; its sockets need one."""
    from main.util.cache.timed_socket import start_call

    def timed_get(key: str) -> Any:
        start_call()
        return get(key)

    return timed_get


def memcached() -> Subjects:
    """Return the client with the same key, codec, hash and connections."""
    store: Any = current_cache().store
    key = store._versioned(_raw_key())
    get, decode = _timed(store._client.get), msgspec.json.decode
    return {"raw client": lambda: decode(get(key))}


def redis() -> Subjects:
    """Return the client with the same key, codec and connections."""
    store: Any = current_cache().store
    get, key, decode = _timed(store._client.get), _raw_key(), msgspec.json.decode
    return {"raw client": lambda: decode(get(key))}


def uwsgi() -> Subjects:
    """Return uWSGI's own function, with and without the same codec."""
    import uwsgi

    key, decode = _raw_key(), msgspec.json.decode
    return {
        "cache_get with JSON": lambda: decode(uwsgi.cache_get(key, "service")),
        "cache_get": lambda: uwsgi.cache_get(key, "service"),
    }


ALTERNATIVES: dict[str, Callable[[], Subjects]] = {
    each.__name__: each for each in (memory, file, memcached, redis, uwsgi)
}
app = create_app()


@app.get("/hits/<store>")
def hits(store: str) -> Any:
    """Measure ours and the alternatives alternately."""
    subjects: Subjects = {**ALTERNATIVES[store](), "ours": lambda: ours(1)}
    for call in subjects.values():
        assert call() in (VALUE, msgspec.json.encode(VALUE))
    subjects["20 keys"] = lambda: ours_many(range(20))
    assert subjects["20 keys"]() == [VALUE] * 20
    series: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(TURNS):
        for name, call in subjects.items():
            series[name].append(_measure(call))
    return series


def _measure(call: Callable[[], Any]) -> float:
    """Return the microseconds of a call."""
    started = perf_counter()
    for _ in range(CALLS):
        call()
    return (perf_counter() - started) / CALLS * 1e6
