"""Stands in for a service's main/wsgi.py: the service, and an endpoint to try out its cache.

`POST /driver` takes [action, arguments…] and answers with {"value": …}, or with {"error": …}. What
has to be the same in all workers (the clock, what shall fail or hang, how often a function was
called) is in files, in the folder that DRIVER names.
"""

import os
import time
from pathlib import Path
from typing import Any

from flask import jsonify, request
from main import create_app
from main.util import cache
from main.util.cache import cached

FOLDER = Path(os.environ["DRIVER"])
TTL, STALE = 1000.0, 2000.0


def clock() -> float:
    """Return the time that the test has set, or else the real one."""
    try:
        return float((FOLDER / "clock").read_text())
    except FileNotFoundError:
        return time.time()


def record(line: str) -> int:
    """Write down a call; return how many there have been."""
    with (FOLDER / "calls").open("a") as file:
        file.write(f"{line} {os.getpid()}\n")
        file.flush()
        return file.tell()


@cached(ttl=TTL, stale=STALE)
def usual(name: Any, seconds: float = 0.0) -> Any:
    """Return something new at each call, after a while; fail if told to."""
    serial = record("usual")
    time.sleep(seconds)
    if (FOLDER / "fail").exists():
        raise RuntimeError("told to fail")
    return [name, serial]


@cached(ttl=None)
def eternal(name: Any) -> Any:
    """Return something new at each call."""
    return [name, record("eternal")]


@cached(ttl=TTL + 0.5, stale=0)
def strict(name: Any) -> Any:
    """Return something new at each call."""
    return [name, record("strict")]


@cached(ttl=TTL)
def echo(value: Any) -> Any:
    """Return the argument."""
    record("echo")
    return value


@cached(ttl=TTL)
def large(size: int) -> str:
    """Return a large result that does not compress."""
    record("large")
    return os.urandom(size // 2).hex()


@cached(ttl=TTL)
def hanging(name: str) -> str:
    """Hang for as long as there is a file of that name; the first call only."""
    record(f"hanging-{name}")
    try:
        (FOLDER / name).rename(FOLDER / f"{name}-taken")
    except FileNotFoundError:
        return name
    while (FOLDER / f"{name}-taken").exists():
        time.sleep(0.01)
    return name


class Shop:
    """An object with a cached method."""

    def __init__(self, name: str) -> None:
        self.name = name

    @cached(key=lambda self, item: [self.name, item])
    def price(self, item: str) -> Any:
        """Return something new at each call."""
        return [self.name, item, record("price")]


FUNCTIONS: dict[str, Any] = {
    each.__name__: each for each in (usual, eternal, strict, echo, large, hanging)
}
ACTIONS = {
    "call": lambda name, args, kwargs: FUNCTIONS[name](*args, **kwargs),
    "price": lambda shop, item: Shop(shop).price(item),
    "unlike": lambda: echo({1, 2}),
    "key": lambda name, args: FUNCTIONS[name].cache_key(*args),
    "clear": cache.clear,
    "clear_function": lambda name: FUNCTIONS[name].cache_clear(),
    "clear_call": lambda name, args: FUNCTIONS[name].cache_clear(*args),
    "spoil": lambda key, garbage: cache.current().backend.set(key, bytes.fromhex(garbage), 1000.0),
    "stored": lambda key: (cache.current().backend.get(key) or b"").hex(),
    "pid": os.getpid,
}

app = create_app()
cache.current().clock = clock
# Before uWSGI forks: a connection that is made now must not be shared by the workers.
echo("from the master")


@app.post("/driver")
def driver() -> Any:
    """Do what the test says."""
    action, *arguments = request.get_json()
    try:
        return jsonify(value=ACTIONS[action](*arguments), pid=os.getpid())
    except Exception as error:
        return jsonify(error=f"{type(error).__name__}: {error}", pid=os.getpid())
