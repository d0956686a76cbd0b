"""Policy: how long the results of a function are used, and what happened to a call of it."""

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from main.util.cache.codec import Codec

Outcome = Literal["hit", "stale", "miss", "error", "bypass"]


@dataclass(frozen=True)
class Policy:
    """How the results of one function are cached; the options of `cached` describe the fields."""

    name: str
    codec: Codec
    ttl: float | None = None
    stale_for: float = 60.0
    lock_timeout: float = 1.0

    def __post_init__(self) -> None:
        if self.ttl is not None and not self.ttl > 0:
            raise ValueError(f"ttl must be more than 0 seconds; got {self.ttl!r}")
        for name in ("stale_for", "lock_timeout"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be 0 or more seconds; got {getattr(self, name)!r}")


class Result(msgspec.Struct, frozen=True, gc=False):
    """The outcome for a key. Lookups that found nothing have no value and no encoded entry."""

    outcome: Outcome
    value: Any = None
    data: bytes = b""
