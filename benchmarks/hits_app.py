"""Stands in for a service's main/wsgi.py: measures, within a worker, what a hit costs.

`GET /hits` answers with {name: [µs a call, …]}: everything is measured in turns, on one key.
"""

import json
from collections.abc import Callable
from time import perf_counter
from typing import Any

import msgspec
from main import create_app
from main.util import cache
from main.util.cache import cached

TURNS, CALLS = 101, 200
VALUE = {"number": 112272535095293, "prime": True, "factors": [1, 112272535095293]}


@cached(ttl=None)
def ours(number: int) -> Any:
    """Return what is measured."""
    return VALUE


def raw() -> str:
    """Return a key like ours, under which the store has the value as JSON."""
    key = f"{ours.cache_key(1)[:-1]}-"
    cache.current().backend.set(key, msgspec.json.encode(VALUE), None)
    return key


def memory() -> dict[str, Callable[[], Any]]:
    """Return other caches in the memory of a process."""
    import dogpile.cache
    import flask_caching

    region = dogpile.cache.make_region().configure("dogpile.cache.memory")
    dogpiled = region.cache_on_arguments()(lambda number: VALUE)
    flask_cache = flask_caching.Cache(app, config={"CACHE_TYPE": "SimpleCache"})
    memoized = flask_cache.memoize(300)(lambda number: VALUE)
    return {"dogpile.cache": lambda: dogpiled(1), "Flask-Caching": lambda: memoized(1)}


def file() -> dict[str, Callable[[], Any]]:
    """Return cachelib alone, with JSON as its serializer."""
    import tempfile

    from cachelib import FileSystemCache

    class Json:
        """Write and read JSON."""

        def dump(self, value: Any, file: Any, protocol: int = 0) -> None:
            """Write the value."""
            file.write(json.dumps(value).encode())

        def load(self, file: Any) -> Any:
            """Read the value."""
            return json.load(file)

    class Files(FileSystemCache):
        """Files that hold JSON."""

        serializer = Json()

    files = Files(tempfile.mkdtemp(), threshold=1024)
    files.set("key", VALUE)
    return {"cachelib with JSON": lambda: files.get("key")}


def memcached() -> dict[str, Callable[[], Any]]:
    """Return the client alone, with the same key, codec, hash and connections."""
    backend: Any = cache.current().backend
    get, key, decode = backend._client.get, backend._spelt(raw()), msgspec.json.decode
    return {"raw client": lambda: decode(get(key))}


def redis() -> dict[str, Callable[[], Any]]:
    """Return the client alone, with the same key, codec and connections."""
    backend: Any = cache.current().backend
    get, key, decode = backend._client.get, raw(), msgspec.json.decode
    return {"raw client": lambda: decode(get(key))}


def uwsgi() -> dict[str, Callable[[], Any]]:
    """Return uWSGI's own function, with the same codec."""
    import uwsgi

    key, decode = raw(), msgspec.json.decode
    return {
        "cache_get with JSON": lambda: decode(uwsgi.cache_get(key, "service")),
        "cache_get": lambda: uwsgi.cache_get(key, "service"),
    }


app = create_app()


def measure(call: Callable[[], Any]) -> float:
    """Return the microseconds that a call takes."""
    started = perf_counter()
    for _ in range(CALLS):
        call()
    return (perf_counter() - started) / CALLS * 1e6


@app.get("/hits/<others>")
def hits(others: str) -> Any:
    """Measure ours and the others in turns."""
    subjects = {**globals()[others](), "ours": lambda: ours(1)}
    for call in subjects.values():
        assert call() in (VALUE, msgspec.json.encode(VALUE))
    series: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(TURNS):
        for name, call in subjects.items():
            series[name].append(measure(call))
    return series
