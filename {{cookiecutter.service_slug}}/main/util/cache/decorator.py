"""`@cached`: keep the results of a function."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, ParamSpec, Protocol, TypedDict, TypeVar, Unpack, overload

from main.util.cache.cache import current_cache
from main.util.cache.codec import Codec, return_annotation
from main.util.cache.keys import KeyBuilder
from main.util.cache.policy import Policy

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Options(TypedDict, total=False):
    """Options of `cached` and `cached_many`."""

    ttl: float | None
    stale_for: float
    lock_timeout: float
    key: Callable[..., Any]


class CachedFunction(Protocol[P, R_co]):
    """A function whose results are cached."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Return the cached result, or compute it."""

    def __get__(self, instance: object, owner: type | None = None, /) -> Callable[..., R_co]:
        """Bind to an instance, as functions do."""

    def cache_key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Return the key of a call."""

    def cache_clear(self, *args: Any, **kwargs: Any) -> None:
        """Invalidate the result of a call; without arguments, all results of the function."""


@overload
def cached(function: Callable[P, R], /) -> CachedFunction[P, R]: ...


@overload
def cached(**options: Unpack[Options]) -> Callable[[Callable[P, R]], CachedFunction[P, R]]: ...


def cached(function: Callable[..., Any] | None = None, /, **options: Unpack[Options]) -> Any:
    """Cache the results of a function by its arguments; use it with or without options.

    ttl           seconds for which a result is fresh; by default APP_CACHE_TTL; `math.inf`: always
    stale_for     seconds for which it is returned after that (60), while one caller renews it or
                  if that fails
    lock_timeout  seconds to wait for another process that computes the same result (1); should
                  be longer than the function takes
    key           maps the arguments of a call to the value that identifies it; a method needs it
                  to identify `self`

    Arguments may be of any type that msgspec encodes. Results are encoded as JSON, and decoded
    as the function's return annotation. Raises `TypeError` for a function whose results cannot
    be cached, and `ValueError` for an invalid number of seconds.
    """
    return partial(_decorate, **options) if function is None else _decorate(function, **options)


def _decorate(function: Callable[..., Any], **options: Unpack[Options]) -> Any:
    policy, keys = prepare(function, return_annotation(function), **options)
    build_key = keys.build

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        key = build_key(args, kwargs)
        return current_cache().get_or_compute(policy, key, function, args, kwargs)

    def cache_key(*args: Any, **kwargs: Any) -> str:
        return build_key(args, kwargs)

    def cache_clear(*args: Any, **kwargs: Any) -> None:
        if args or kwargs:
            current_cache().delete(build_key(args, kwargs))
        else:
            current_cache().clear(keys.prefix)

    vars(wrapper).update(cache_key=cache_key, cache_clear=cache_clear)
    return wrapper


def prepare(
    function: Callable[..., Any],
    annotation: Any,
    key: Callable[..., Any] | None = None,
    **times: Any,
) -> tuple[Policy, KeyBuilder]:
    """Return the policy and the keys for a function whose results have the annotated type."""
    name = f"{function.__module__}.{function.__qualname__}"
    return Policy(name, Codec(name, annotation), **times), KeyBuilder(name, function, key)
