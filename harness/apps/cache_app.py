"""A service with cached functions that tests call; replaces main/wsgi.py of a rendered service.

`POST /actions` takes [action, arguments…]. It returns {"value": …} or {"error": …}, and the
worker's pid. All workers share these files in the folder CACHE_APP_FOLDER:

executions  one line for each execution of a cached function: its name and the worker's pid
clock       the time in seconds, while a test sets it
failing     while it exists, `with_stale` raises an exception
block-X     the next execution of blocking("X") renames it to blocked-X, and waits for its removal
"""

import os
import time
from pathlib import Path
from typing import Any

from flask import jsonify, request
from main import create_app
from main.util import cache
from main.util.cache import cached

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


@cached(ttl=TTL, stale=STALE_FOR)
def with_stale(name: Any, seconds: float = 0.0) -> Any:
    """Return a new value after `seconds`."""
    number = record("with_stale")
    time.sleep(seconds)
    if (FOLDER / "failing").exists():
        raise RuntimeError("failing")
    return [name, number]


@cached(ttl=TTL + 0.5, stale=0)
def without_stale(name: Any) -> Any:
    """Return a new value."""
    return [name, record("without_stale")]


@cached(ttl=None)
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
ACTIONS = {
    "call": lambda name, args, kwargs: FUNCTIONS[name](*args, **kwargs),
    "call_method": lambda shop, item: Shop(shop).price(item),
    "call_with_a_set": lambda: echo({1, 2}),
    "key": lambda name, args: FUNCTIONS[name].cache_key(*args),
    "clear": cache.clear,
    "clear_function": lambda name: FUNCTIONS[name].cache_clear(),
    "clear_call": lambda name, args: FUNCTIONS[name].cache_clear(*args),
    "read_entry": lambda key: (cache.current().backend.get(key) or b"").hex(),
    "write_entry": lambda key, entry: cache.current().backend.set(key, bytes.fromhex(entry), TTL),
}

app = create_app()
cache.current().clock = clock
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
