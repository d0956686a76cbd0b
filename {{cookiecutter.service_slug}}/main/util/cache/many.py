"""`@cached_many`: keep the results of a function of several items, one for each item."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial, wraps
from inspect import signature
from typing import Any, Protocol, TypeVar, Unpack, get_args, get_origin, overload

from main.util.cache.cache import current_cache
from main.util.cache.codec import return_annotation
from main.util.cache.decorator import Options, prepare

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
R = TypeVar("R")


class CachedManyFunction(Protocol[T_contra, R]):
    """A function of several items whose results are cached."""

    def __call__(self, items: Iterable[T_contra], /) -> list[R]:
        """Return a result for each item, in the order of the items."""

    def cache_key(self, item: T_contra, /) -> str:
        """Return the key of an item."""

    def cache_clear(self, *items: T_contra) -> None:
        """Invalidate the results of the items; without any, all results of the function."""


@overload
def cached_many(function: Callable[[Sequence[T]], list[R]], /) -> CachedManyFunction[T, R]: ...


@overload
def cached_many(
    **options: Unpack[Options],
) -> Callable[[Callable[[Sequence[T]], list[R]]], CachedManyFunction[T, R]]: ...


def cached_many(function: Callable[..., Any] | None = None, /, **options: Unpack[Options]) -> Any:
    """Cache the results of a function of several items, one for each item.

    The function takes a sequence of items and returns a list with a result for each:

        @cached_many(ttl=3600)
        def smallest_factors(numbers: Sequence[int]) -> list[int | None]: ...

    All items are looked up in one round trip. One call of the function computes those that have
    no fresh result and that no other thread is computing; duplicates are passed once. If the call
    fails, nothing is stored. Other processes wait only for a call with a single item.

    The options are those of `cached`; `key` maps an item to the value that identifies it.
    """
    return partial(_decorate, **options) if function is None else _decorate(function, **options)


def _decorate(function: Callable[..., Any], **options: Unpack[Options]) -> Any:
    policy, keys = prepare(function, _item_annotation(function), **options)

    @wraps(function)
    def wrapper(items: Iterable[Any], /) -> list[Any]:
        keyed = [(cache_key(item), item) for item in items]
        by_key = dict(keyed)

        def compute(keys: list[str]) -> Sequence[Any]:
            results: Sequence[Any] = function([by_key[key] for key in keys])
            if len(results) != len(keys):
                raise ValueError(
                    f"{policy.name} must return {len(keys)} results for as many items; "
                    f"got {len(results)}"
                )
            return results

        if not by_key:
            return []
        values = current_cache().get_or_compute_many(policy, list(by_key), compute)
        return [values[key] for key, _ in keyed]

    def cache_key(item: Any, /) -> str:
        return keys.build((item,), {})

    def cache_clear(*items: Any) -> None:
        for item in items:
            current_cache().delete(cache_key(item))
        if not items:
            current_cache().clear(keys.prefix)

    vars(wrapper).update(cache_key=cache_key, cache_clear=cache_clear)
    return wrapper


def _item_annotation(function: Callable[..., Any]) -> Any:
    """Return the annotated type of one result."""
    annotation = return_annotation(function)
    returns_list = annotation is Any or get_origin(annotation) is list
    if not returns_list or len(signature(function).parameters) != 1:
        raise TypeError(
            f"{function.__qualname__} must take one sequence of items and return a list of results"
        )
    return Any if annotation is Any else get_args(annotation)[0]
