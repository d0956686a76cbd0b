"""Cache: `@cached` keeps a function's results in the store that the project chose.

A call is answered from the store while its value is fresh. Past that, one caller computes the
value anew and the others get the stale one; a value that is too old or not there at all is
computed once, however many ask for it at the same time. A stale value is better than an
exception, and a store that is down only makes the service slower.
"""

import inspect
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import cached_property, partial, wraps
from types import EllipsisType
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from main.util import config
from main.util.cache_backend import Backend, CacheSettings
from main.util.cache_codec import Entry, check, digest_arguments, label, pack, unpack

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

# Seconds for which a store that failed is left alone.
COOL_DOWN = 5.0
# Seconds between two looks whether another process has stored what we wait for: at first, at most.
PAUSES = 0.001, 0.05
# Seconds. What is to be kept for longer is kept for ever: not every store can count further.
LONGEST = 1e8
# Results that a store which is down has yet to forget; more of them are all.
MOST_OWED = 1000

NAMESPACE = f"{config.NAME}:"


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
    wait: float = 1.0,
) -> Callable[[Callable[P, R]], Cached[P, R]]:
    """Keep the results of a function of JSON-able arguments and result.

    `ttl` is for how many seconds a result is fresh: APP_CACHE_TTL unless given; None is for
    ever, as far as the store's size allows. `stale` is for how many seconds more it may serve
    while it is computed anew, or when that fails. `key` makes, from a call's arguments, the
    JSON-able value that tells calls apart; a method needs it, to say what of `self` counts.
    `wait` is for how many seconds to wait for another process that is computing the same.
    """
    if isinstance(ttl, (int, float)) and not ttl > 0:
        raise ValueError(f"ttl must be a positive number of seconds, not {ttl!r}")
    for name, value in (("stale", stale), ("wait", wait)):
        if not value >= 0:
            raise ValueError(f"{name} must be a number of seconds, 0 or more, not {value!r}")

    def decorate(function: Callable[P, R]) -> Cached[P, R]:
        source = _Source(function, ttl, stale, key, wait)

        @wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            cache = _current or current()
            key = source.key(args, kwargs)
            result: R = cache.fetch(source, key, lambda: function(*args, **kwargs))
            return result

        def cache_key(*args: P.args, **kwargs: P.kwargs) -> str:
            return source.key(args, kwargs)

        def cache_clear(*args: Any, **kwargs: Any) -> None:
            if args or kwargs:
                current().delete(source.key(args, kwargs))
            else:
                current().clear(source.prefix)

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
        wait: float,
    ) -> None:
        self.name = f"{function.__module__}.{function.__qualname__}"
        self.ttl = ttl
        self.stale = stale
        self.make_key = make_key
        self.wait = wait
        self.prefix = f"{NAMESPACE}{label(self.name)}:"
        self.signature = inspect.signature(function)
        parameters = self.signature.parameters.values()
        plain = all(each.kind is each.POSITIONAL_OR_KEYWORD for each in parameters)
        self.arity = len(parameters) if plain else None

    @cached_property
    def count(self) -> dict[str, Callable[[], None]]:
        """Return what counts a call, by outcome."""
        # At the first call: a process of a pool that caches nothing does without the library.
        from main.util.metrics import CACHE

        return {
            outcome: CACHE.labels(self.name, outcome).inc
            for outcome in ("hit", "miss", "stale", "error", "bypass")
        }

    def key(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """Return the key of a call; all ways to write the same call have the same key."""
        if self.make_key is not None:
            args, kwargs = (self.make_key(*args, **kwargs),), {}
        elif kwargs or len(args) != self.arity:
            bound = self.signature.bind(*args, **kwargs)
            bound.apply_defaults()
            args, kwargs = bound.args, bound.kwargs
        try:
            return self.prefix + digest_arguments(args, kwargs)
        except TypeError as error:
            raise TypeError(f"{self.name} cannot be cached by its arguments: {error}") from None


class _Unusable(Exception):
    """The store was not asked, or did not answer."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class _Flight(Future[bytes]):
    """An entry on its way: who else wants it waits here."""

    def __init__(self) -> None:
        super().__init__()
        self.thread = threading.get_ident()


class _Traffic:
    """What is on its way in one process."""

    def __init__(self) -> None:
        self.flights: dict[str, _Flight] = {}
        self.lock = threading.Lock()  # guards the dictionary, never a call


class Cache:
    """The store behind every cached function of this process, and the rules of its use."""

    def __init__(
        self, backend: Backend, *, ttl: float, clock: Callable[[], float] = time.time
    ) -> None:
        self.backend = backend
        self.ttl = ttl
        self.clock = clock
        self._down_until: float | None = None
        self._owed: dict[str, Callable[[], None]] = {}
        self._traffic: dict[int, _Traffic] = {}

    def fetch(self, source: _Source, key: str, compute: Callable[[], Any]) -> Any:
        """Return the value under the key; have it computed once if the store has none."""
        outcome, entry = self._look(source, key)
        if entry is None or outcome == "stale":
            outcome, entry = self._join(source, key, compute, outcome, entry)
        source.count[outcome]()
        return entry.value

    def delete(self, key: str) -> None:
        """Forget what is under the key."""
        self._forget(key, partial(self.backend.delete, key))

    def clear(self, prefix: str) -> None:
        """Forget everything whose key starts so."""
        self._forget(prefix, partial(self.backend.clear, prefix))

    def ping(self) -> None:
        """Raise what the store raises when it does not answer."""
        self.backend.ping()
        self._down_until = None

    def _own_traffic(self) -> _Traffic:
        """Return that of this process: who leads in the one it was forked from is not here."""
        pid = os.getpid()
        # Of several that are the first here, one wins: setting a default is atomic.
        return self._traffic.get(pid) or self._traffic.setdefault(pid, _Traffic())

    def _join(
        self,
        source: _Source,
        key: str,
        compute: Callable[[], Any],
        outcome: str,
        stale: Entry | None,
    ) -> tuple[str, Entry]:
        """Lead the way to a fresh entry, or wait for who does in this process."""
        traffic = self._own_traffic()
        with traffic.lock:
            flight = traffic.flights.get(key)
            leads = flight is None
            if flight is None:
                flight = traffic.flights[key] = _Flight()
        if leads:
            return self._lead(flight, source, key, compute, outcome)
        if stale is not None:
            return outcome, stale
        if flight.thread == threading.get_ident():  # the function calls itself
            return outcome, Entry(None, compute())
        packed = flight.result()
        return "hit" if outcome == "miss" else outcome, cast(Entry, unpack(key, packed))

    def _lead(
        self,
        flight: _Flight,
        source: _Source,
        key: str,
        compute: Callable[[], Any],
        outcome: str,
    ) -> tuple[str, Entry]:
        """Bring the entry, or the exception, to all who wait for it."""
        release: Callable[[], None] | None = None
        try:
            release, found, entry = self._await_turn(source, key)
            if entry is not None and (release is None or found == "hit"):
                outcome = found
                packed = pack(key, entry)
            else:
                outcome, packed = self._make(flight, source, key, compute, outcome, entry)
            flight.set_result(packed)
            return outcome, cast(Entry, unpack(key, packed))  # a copy of our own
        except BaseException as error:
            flight.set_exception(error)
            raise
        finally:
            traffic = self._own_traffic()
            with traffic.lock:
                if traffic.flights.get(key) is flight:
                    del traffic.flights[key]
            if release is not None:
                self._try(None, release)

    def _await_turn(
        self, source: _Source, key: str
    ) -> tuple[Callable[[], None] | None, str, Entry | None]:
        """Return what ends our turn to compute, or None and what others have stored.

        Nobody is waited for longer than `source.wait`: who computes may have been killed.
        """
        deadline = time.monotonic() + source.wait
        pause, longest = PAUSES
        while True:
            release = self._try(_nothing, self.backend.lock, key, source.wait)
            found, entry = self._look(source, key)
            left = deadline - time.monotonic()
            if release is not None or entry is not None:
                return release, found, entry
            if left <= 0:
                return _nothing, found, entry
            time.sleep(min(pause, left))
            pause = min(2 * pause, longest)

    def _make(
        self,
        flight: _Flight,
        source: _Source,
        key: str,
        compute: Callable[[], Any],
        outcome: str,
        stale: Entry | None,
    ) -> tuple[str, bytes]:
        """Compute the value and store it; if that fails, make do with a stale one."""
        try:
            value = compute()
        except Exception:
            if stale is None:
                raise
            log.warning("cache.stale", exc_info=True, extra={"callable": source.name})
            return "stale", pack(key, stale)
        try:
            check(value)
        except TypeError as error:
            raise TypeError(f"{source.name} cannot be cached by its result: {error}") from None
        ttl = self.ttl if isinstance(source.ttl, EllipsisType) else source.ttl
        packed = pack(key, Entry(None if ttl is None else self.clock() + ttl, value))
        timeout = None if ttl is None or ttl + source.stale > LONGEST else ttl + source.stale
        # Not what was begun before somebody told us to forget it.
        if self._own_traffic().flights.get(key) is flight and not self._try(
            True, self.backend.set, key, packed, timeout
        ):
            refused = {"callable": source.name, "bytes": len(packed)}
            log.warning("cache.refused", extra=refused)
        return "miss" if outcome == "stale" else outcome, packed

    def _look(self, source: _Source, key: str) -> tuple[str, Any]:
        """Return hit or stale with an entry; or miss, error or bypass with none."""
        try:
            packed = self._ask(self.backend.get, key)
        except _Unusable as unusable:
            return unusable.outcome, None
        if packed is None:
            return "miss", None
        entry = unpack(key, packed)
        if entry is None:
            log.warning("cache.garbage", extra={"callable": source.name, "bytes": len(packed)})
            return "error", None
        if entry.fresh_until is None:
            return "hit", entry
        age = self.clock() - entry.fresh_until
        if age < 0:
            return "hit", entry
        return ("stale", entry) if age < source.stale else ("miss", None)

    def _ask(self, operation: Callable[..., R], *arguments: Any) -> R:
        """Return what the store says; raise `_Unusable` if it is down, or is left alone."""
        if self._down_until is not None:
            now = time.monotonic()
            if now < self._down_until:
                raise _Unusable("bypass")
            self._down_until = now + COOL_DOWN  # we try; the others go on without it
        try:
            if self._owed:
                self._settle()
            answer = operation(*arguments)
        except Exception as error:
            self._down_until = time.monotonic() + COOL_DOWN
            log.warning("cache.down", extra={"reason": repr(error), "seconds": COOL_DOWN})
            raise _Unusable("error") from error
        if self._down_until is not None:
            self._down_until = None
            log.info("cache.up")
        return answer

    def _try(self, otherwise: Any, operation: Callable[..., Any], *arguments: Any) -> Any:
        """Return what the store says, or `otherwise` if it cannot be used."""
        try:
            return self._ask(operation, *arguments)
        except _Unusable:
            return otherwise

    def _forget(self, key: str, operation: Callable[[], None]) -> None:
        """Have it forgotten now, and what is being computed for it not be kept.

        A store that is down is told when it is back, before it is asked for anything.
        """
        traffic = self._own_traffic()
        with traffic.lock:
            for flown in [flown for flown in traffic.flights if flown.startswith(key)]:
                del traffic.flights[flown]
            if len(self._owed) >= MOST_OWED:
                self._owed = {}
                key, operation = NAMESPACE, partial(self.backend.clear, NAMESPACE)
            self._owed[key] = operation
        self._try(None, _nothing)

    def _settle(self) -> None:
        for key, operation in list(self._owed.items()):
            operation()
            self._owed.pop(key, None)


def _nothing() -> None:
    """Do nothing."""


_current: Cache | None = None


def configure(settings: CacheSettings) -> Cache:
    """Set up this process's store."""
    global _current
    _current = Cache(Backend(settings), ttl=settings.ttl)
    return _current


def current() -> Cache:
    """Return the store of this process; a process without an application gets the default."""
    return _current or configure(config.load(CacheSettings))


def clear() -> None:
    """Forget all results of this service."""
    current().clear(NAMESPACE)


def ping() -> None:
    """Raise what the store raises when it does not answer."""
    current().ping()
