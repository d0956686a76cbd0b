"""A service with cached functions that tests call; replaces main/wsgi.py of a rendered service.

`POST /actions` takes [action, arguments…]. It returns {"value": …} or {"error": …}, and the
worker's pid. All workers share these files in the folder CACHE_APP_FOLDER:

executions  one line for each execution of a cached function: its name and the worker's pid
clock       the time in seconds, while a test sets it
failing     while it exists, `with_stale` raises an exception
block-X     the next execution of blocking("X") renames it to blocked-X, and waits for its removal
"""

import math
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask import jsonify, request
from main.application import create_app
from main.util import cache
from main.util.cache import CacheSettings, cached, cached_many, create_cache
from main.util.cache.backend import CacheStore
from main.util.cache.cache import Cache

FOLDER = Path(os.environ["CACHE_APP_FOLDER"])
TTL = float(os.environ["CACHE_APP_TTL"])
STALE_FOR = float(os.environ["CACHE_APP_STALE_FOR"])


def clock() -> float:
    """Return the time that the test has set, or the real one."""
    try:
        return float((FOLDER / "clock").read_text())
    except FileNotFoundError:
        return time.time()


def record(function: str) -> int:
    """Record an execution; return a number that no other execution gets."""
    with (FOLDER / "executions").open("a") as file:
        file.write(f"{function} {os.getpid()}\n")
        file.flush()
        return file.tell()


@cached(ttl=TTL, stale_for=STALE_FOR)
def with_stale(name: Any, seconds: float = 0.0) -> Any:
    """Return a new value after `seconds`."""
    number = record("with_stale")
    time.sleep(seconds)
    if (FOLDER / "failing").exists():
        raise RuntimeError("failing")
    return [name, number]


@cached(ttl=TTL + 0.5, stale_for=0)
def without_stale(name: Any) -> Any:
    """Return a new value."""
    return [name, record("without_stale")]


@cached(ttl=math.inf)
def without_expiry(name: Any) -> Any:
    """Return a new value."""
    return [name, record("without_expiry")]


@cached(ttl=TTL)
def echo(value: Any) -> Any:
    """Return the argument."""
    record("echo")
    return value


@cached(ttl=TTL)
def large(size: int) -> str:
    """Return `size` characters that do not compress."""
    record("large")
    return os.urandom(size // 2).hex()


@cached(ttl=TTL)
def blocking(name: str) -> str:
    """Return the name; wait first if a test blocks it."""
    record("blocking")
    blocked = FOLDER / f"blocked-{name}"
    try:
        (FOLDER / f"block-{name}").rename(blocked)
    except FileNotFoundError:
        return name
    while blocked.exists():
        time.sleep(0.01)
    return name


@dataclass(frozen=True)
class Rate:
    """An exchange rate; the result of `rate`."""

    currency: str
    value: Decimal
    valid_on: date


@cached(ttl=TTL)
def rate(currency: str) -> Rate:
    """Return a dataclass."""
    record("rate")
    return Rate(currency, Decimal("1.10"), date(2026, 1, 31))


def describe(result: Rate) -> list[str]:
    """Return the types of a rate's fields."""
    return [type(each).__name__ for each in (result, *asdict(result).values())]


@cached_many(ttl=TTL)
def squares(numbers: Sequence[int]) -> list[int]:
    """Return the squares of the numbers."""
    record("squares")
    return [number * number for number in numbers]


class Shop:
    """An object with a cached method."""

    def __init__(self, name: str) -> None:
        self.name = name

    @cached(key=lambda self, item: [self.name, item])
    def price(self, item: str) -> Any:
        """Return a new value."""
        return [self.name, item, record("price")]


FUNCTIONS: dict[str, Any] = {
    each.__name__: each
    for each in (with_stale, without_stale, without_expiry, echo, large, blocking)
}
ACTIONS: dict[str, Any] = {
    "call": lambda name, args, kwargs: FUNCTIONS[name](*args, **kwargs),
    "call_method": lambda shop, item: Shop(shop).price(item),
    "call_with_a_set": lambda: echo({1, object()}),
    "call_typed": lambda currency: describe(rate(currency)),
    "call_many": lambda numbers: squares(numbers),
    "key": lambda name, args: FUNCTIONS[name].cache_key(*args),
    "clear": cache.clear,
    "clear_function": lambda name: FUNCTIONS[name].cache_clear(),
    "clear_call": lambda name, args: FUNCTIONS[name].cache_clear(*args),
    "read_entry": lambda key: (store.get(key) or b"").hex(),
    "write_entry": lambda key, entry: store.set(key, bytes.fromhex(entry), TTL),
}

app = create_app()
scope = app.extensions["scope"]
settings = scope.settings(CacheSettings)
store: CacheStore = CacheStore(settings)
scope.put(create_cache, Cache(store, ttl=settings.ttl, clock=clock))
scope.activate()
# uWSGI forks after this call: the workers must not share its connection to the store.
echo("before the fork")


@app.post("/actions")
def act() -> Any:
    """Run an action."""
    action, *arguments = request.get_json()
    try:
        return jsonify(value=ACTIONS[action](*arguments), pid=os.getpid())
    except Exception as error:
        return jsonify(error=f"{type(error).__name__}: {error}", pid=os.getpid())
