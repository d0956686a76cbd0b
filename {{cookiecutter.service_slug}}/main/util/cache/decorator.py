"""`@cached` and `@cached_many`: keep the results of a function."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial, update_wrapper
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from types import MethodType
from typing import Any, Generic, ParamSpec, TypeVar, get_args, get_origin, get_type_hints, overload

from main.util.cache.current import current_cache
from main.util.cache.keys import KeyBuilder
from main.util.cache.policy import Policy

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class CachedFunction(Generic[P, R]):
    """A function whose results are cached. It is pickled by its name, as any function."""

    def __init__(self, function: Callable[..., Any], annotation: Any, **options: Any) -> None:
        update_wrapper(self, function)
        name = f"{function.__module__}.{function.__qualname__}"
        self._function = function
        self._keys = KeyBuilder(name, function, options.pop("key", None))
        self._policy = Policy(name, annotation, **options)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        key = self._keys.build(args, kwargs)
        cache = current_cache()
        result: R = cache.get_or_compute(self._policy, key, self._function, args, kwargs)
        return result

    def __get__(self, instance: object, owner: type | None = None) -> Callable[..., R]:
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> str:
        return self._function.__qualname__

    def cache_key(self, *args: Any, **kwargs: Any) -> str:
        """Return the key of a call."""
        return self._keys.build(args, kwargs)

    def cache_clear(self, *args: Any, **kwargs: Any) -> None:
        """Invalidate the result of a call; without arguments, all results of the function."""
        key = self._keys.build(args, kwargs) if args or kwargs else self._keys.prefix
        current_cache().invalidate(key)


class CachedManyFunction(CachedFunction[[Iterable[T]], list[R]]):
    """A function of several items; `cache_key` and `cache_clear` take one of them."""

    def __call__(self, items: Iterable[T]) -> list[R]:
        keyed = [(self.cache_key(item), item) for item in items]
        by_key = dict(keyed)
        return current_cache().get_or_compute_many(
            self._policy,
            [key for key, _ in keyed],
            lambda keys: self._function([by_key[key] for key in keys]),
        )


@overload
def cached(function: Callable[P, R], /) -> CachedFunction[P, R]: ...


@overload
def cached(**options: Any) -> Callable[[Callable[P, R]], CachedFunction[P, R]]: ...


def cached(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Cache the results of a function by its arguments; use it with or without options.

    ttl           seconds for which a result is fresh; by default APP_CACHE_TTL; `math.inf`: always
    stale_for     seconds for which it is returned after that (60), while one caller renews it or
                  if that fails
    lock_timeout  seconds to wait for another process that computes the same result (1); should
                  be longer than the function takes
    key           maps the arguments of a call to the value that identifies it; a method needs it
                  to identify `self`

    Arguments may be of any type that msgspec encodes. Results are encoded as JSON, and decoded
    as the function's return annotation. Raises `TypeError` if JSON cannot hold that type, and
    `ValueError` for an invalid time.
    """
    if function is None:
        return partial(cached, **options)
    return CachedFunction(function, _return_annotation(function), **options)


def cached_many(
    **options: Any,
) -> Callable[[Callable[[Sequence[T]], list[R]]], CachedManyFunction[T, R]]:
    """Cache the results of a function of several items, one for each item.

    The function takes a sequence of items and returns a list with a result for each:

        @cached_many(ttl=3600)
        def smallest_factors(numbers: Sequence[int]) -> list[int | None]: ...

    All items are looked up in one round trip. One call of the function computes those that have
    no fresh result and that no other thread is computing. The options are those of `cached`;
    processes wait only for a call with a single item.
    """

    def decorate(function: Callable[[Sequence[T]], list[R]]) -> CachedManyFunction[T, R]:
        annotation = _return_annotation(function)
        if get_origin(annotation) is not list:
            raise TypeError(f"{function.__qualname__} must be annotated to return a list")
        return CachedManyFunction(function, get_args(annotation)[0], **options)

    return decorate


def _return_annotation(function: Callable[..., Any]) -> Any:
    for is_unsupported in (iscoroutinefunction, isgeneratorfunction, isasyncgenfunction):
        if is_unsupported(function):
            raise TypeError(
                f"{function.__qualname__} must be a function that returns its result; "
                "got a coroutine or generator function"
            )
    return get_type_hints(function).get("return", Any)
