"""Cache: `@cached` keeps a function's results in the store that the project chose.

A call is answered from the store while its value is fresh. Past that, one caller computes the
value anew and the others get the stale one; a value that is too old or not there at all is
computed once, however many ask for it at the same time. A stale value is better than an
exception, and a store that is down only makes the service slower.

Values are kept as JSON: a store never holds code, and nobody can change what the next caller
gets. What JSON would not give back as it was is refused, by name.
"""

import hashlib
import inspect
import logging
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import wraps
from types import EllipsisType
from typing import Any, ParamSpec, Protocol, TypeVar, cast

import msgspec

from main.util import config
from main.util.cache_backend import Backend, CacheSettings
from main.util.metrics import CACHE

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

# Seconds for which a store that failed is left alone.
COOL_DOWN = 5.0


class Cached(Protocol[P, R_co]):
    """A function whose results are kept."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Return the result, kept or computed."""

    def __get__(self, instance: object, owner: type | None = None, /) -> Callable[..., R_co]:
        """Bind to an instance, as any function does."""

    def cache_key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Return the key under which this call's result is kept."""

    def cache_clear(self, *args: Any, **kwargs: Any) -> None:
        """Forget this call's result; without arguments, all results of the function."""


def cached(
    *,
    ttl: float | EllipsisType | None = ...,
    stale: float = 60.0,
    key: Callable[..., Any] | None = None,
) -> Callable[[Callable[P, R]], Cached[P, R]]:
    """Keep the results of a function of JSON-able arguments and result.

    `ttl` is for how many seconds a result is fresh: APP_CACHE_TTL unless given; None is for
    ever, as far as the store's size allows. `stale` is for how many seconds more it may serve
    while it is computed anew, or when that fails. `key` makes, from a call's arguments, the
    JSON-able value that tells calls apart; a method needs it, to say what of `self` counts.
    """
    if isinstance(ttl, (int, float)) and not ttl > 0:
        raise ValueError(f"ttl must be a positive number of seconds, not {ttl!r}")
    if not stale >= 0:
        raise ValueError(f"stale must be a number of seconds, 0 or more, not {stale!r}")

    def decorate(function: Callable[P, R]) -> Cached[P, R]:
        source = _Source(function, ttl, stale, key)

        @wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            cache = current()
            key = cache.prefix + source.key(args, kwargs)
            result: R = cache.fetch(source, key, lambda: function(*args, **kwargs))
            return result

        def cache_key(*args: P.args, **kwargs: P.kwargs) -> str:
            return current().prefix + source.key(args, kwargs)

        def cache_clear(*args: Any, **kwargs: Any) -> None:
            ours = source.key(args, kwargs) if args or kwargs else source.prefix
            current().backend.clear(current().prefix + ours)

        wrapper.cache_key = cache_key  # type: ignore[attr-defined]
        wrapper.cache_clear = cache_clear  # type: ignore[attr-defined]
        return cast(Cached[P, R], wrapper)

    return decorate


class _Source:
    """Where values come from: a cached function, with all that is known of it before a call."""

    def __init__(
        self,
        function: Callable[..., Any],
        ttl: float | EllipsisType | None,
        stale: float,
        make_key: Callable[..., Any] | None,
    ) -> None:
        self.name = f"{function.__module__}.{function.__qualname__}"
        self.ttl = ttl
        self.stale = stale
        self.make_key = make_key
        # Two deployments may share a store: results of other code must not be taken for ours.
        self.prefix = f"{self.name}:{_digest(inspect.getsource(function).encode(), size=4)}:"
        self.signature = inspect.signature(function)
        parameters = self.signature.parameters.values()
        plain = all(each.kind is each.POSITIONAL_OR_KEYWORD for each in parameters)
        self.arity = len(parameters) if plain else None
        self.count = {
            outcome: CACHE.labels(self.name, outcome).inc
            for outcome in ("hit", "miss", "stale", "error", "bypass")
        }

    def key(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """Return the key of a call; all ways to write the same call have the same key."""
        if self.make_key is not None:
            arguments = [self.make_key(*args, **kwargs)]
        elif not kwargs and len(args) == self.arity:
            arguments = [*args, {}]
        else:
            bound = self.signature.bind(*args, **kwargs)
            bound.apply_defaults()
            arguments = [*bound.args, bound.kwargs]
        return self.prefix + _digest(_encode(arguments, f"{self.name}: its arguments"), size=16)


class _Entry(msgspec.Struct, array_like=True):
    """What the store holds under a key."""

    fresh_until: float | None  # seconds since the epoch; None is for ever
    value: Any


_ENTRY = msgspec.json.Decoder(_Entry)


class _Flight(Future[bytes]):
    """An entry on its way: who else wants it waits here."""

    def __init__(self) -> None:
        super().__init__()
        self.thread = threading.get_ident()


class Cache:
    """The store behind every cached function of this process, and the rules of its use."""

    def __init__(
        self,
        backend: Backend,
        *,
        prefix: str,
        ttl: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.backend = backend
        self.prefix = prefix
        self.ttl = ttl
        self.clock = clock
        self._down_until = -math.inf
        self._flights: dict[str, _Flight] = {}
        self._lock = threading.Lock()  # guards the dictionary, never a call

    def fetch(self, source: _Source, key: str, compute: Callable[[], Any]) -> Any:
        """Return the value under the key; have it computed once if the store has none."""
        outcome, entry = self._read(key)
        if outcome != "hit":
            with self._lock:
                flight = self._flights.get(key)
                leads = flight is None
                if flight is None:
                    flight = self._flights[key] = _Flight()
            if leads:
                outcome, entry = self._lead(flight, source, key, compute, outcome)
            elif outcome != "stale":
                if flight.thread == threading.get_ident():  # the function calls itself
                    return compute()
                entry = _ENTRY.decode(flight.result())  # a copy of our own
        source.count[outcome]()
        return entry.value

    def _lead(
        self,
        flight: _Flight,
        source: _Source,
        key: str,
        compute: Callable[[], Any],
        outcome: str,
    ) -> tuple[str, _Entry]:
        """Bring the entry, or the exception, to all who wait for it."""
        try:
            found, entry = self._read(key)  # another may have stored it since our look
            if found == "hit":
                outcome = "hit"
            elif found == "stale":
                outcome, entry = self._renew(source, key, entry, compute)
            else:
                entry = self._make(source, key, compute)
            raw = msgspec.json.encode(entry)
            flight.set_result(raw)
            return outcome, _ENTRY.decode(raw)
        except BaseException as error:
            flight.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._flights[key]

    def _renew(
        self, source: _Source, key: str, stale: _Entry, compute: Callable[[], Any]
    ) -> tuple[str, _Entry]:
        """Make the entry anew; if that fails, make do with the stale one."""
        try:
            return "miss", self._make(source, key, compute)
        except Exception:
            log.warning("cache.stale", exc_info=True, extra={"callable": source.name})
            return "stale", stale

    def _make(self, source: _Source, key: str, compute: Callable[[], Any]) -> _Entry:
        """Compute the value, and store it if the store can be used."""
        value = compute()
        _encode(value, f"{source.name}: its result")
        ttl = self.ttl if isinstance(source.ttl, EllipsisType) else source.ttl
        entry = _Entry(None if ttl is None else self.clock() + ttl, value)
        if self._usable():
            timeout = None if ttl is None else ttl + source.stale
            try:
                self.backend.set(key, msgspec.json.encode(entry), timeout)
            except Exception as error:
                self._leave_alone(error)
        return entry

    def _read(self, key: str) -> tuple[str, Any]:
        """Return hit or stale with an entry; or miss, error or bypass with none."""
        if not self._usable():
            return "bypass", None
        try:
            raw = self.backend.get(key)
        except Exception as error:
            self._leave_alone(error)
            return "error", None
        if raw is None:
            return "miss", None
        try:
            entry = _ENTRY.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            log.warning("cache.garbage", extra={"key": key})
            return "error", None
        fresh = entry.fresh_until is None or self.clock() < entry.fresh_until
        return ("hit" if fresh else "stale"), entry

    def _usable(self) -> bool:
        return time.monotonic() >= self._down_until

    def _leave_alone(self, error: Exception) -> None:
        self._down_until = time.monotonic() + COOL_DOWN
        log.warning("cache.down", exc_info=error, extra={"seconds": COOL_DOWN})


_current: Cache | None = None


def configure(settings: CacheSettings, *, service: str) -> Cache:
    """Set up this process's store; the service's name keeps apart those that share one."""
    global _current
    _current = Cache(Backend(settings), prefix=f"{service}:", ttl=settings.ttl)
    return _current


def current() -> Cache:
    """Return the store of this process; a process without an application gets the default."""
    return _current or configure(config.load(CacheSettings), service="")


def clear() -> None:
    """Forget all results of this service."""
    current().backend.clear(current().prefix)


def ping() -> None:
    """Raise what the store raises when it does not answer."""
    current().backend.ping()


def _encode(value: Any, what: str) -> bytes:
    """Return the value as JSON; raise `TypeError` if JSON would not give it back as it was."""
    try:
        raw = msgspec.json.encode(value, order="sorted")
        same = bool(msgspec.json.decode(raw) == value)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        same = False
    if not same:
        kind = type(value).__qualname__
        raise TypeError(f"{what} ({kind}) would not come back from JSON as it was: {value!r:.100}")
    return raw


def _digest(data: bytes, *, size: int) -> str:
    return hashlib.blake2b(data, digest_size=size).hexdigest()
