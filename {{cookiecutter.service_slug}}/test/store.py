"""A store for tests, which keeps entries in a dictionary."""

from collections.abc import Callable, Sequence
from typing import Any

from main.util.cache.store import Release, Store


class InMemoryStore(Store):
    """Keeps everything, and records the commands; `error` is raised by all commands."""

    def __init__(self, _: Any = None) -> None:
        self.entries: dict[str, bytes] = {}
        self.expiries: dict[str, float] = {}
        self.locked: set[str] = set()
        self.commands: list[str] = []
        self.error: Exception | None = None
        self.before: Callable[[str], None] = lambda command: None

    def _record(self, command: str) -> None:
        self.commands.append(command)
        self.before(command)
        if self.error is not None:
            raise self.error

    def get(self, key: str) -> bytes | None:
        self._record("get")
        return self.entries.get(key)

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        self._record("get_many")
        return {key: self.entries[key] for key in keys if key in self.entries}

    def set(self, key: str, value: bytes, expiry: float) -> None:
        self._record("set")
        self.entries[key] = value
        self.expiries[key] = expiry

    def delete(self, key: str) -> None:
        self._record("delete")
        self.entries.pop(key, None)

    def clear(self, prefix: str) -> None:
        self._record("clear")
        for key in [key for key in self.entries if key.startswith(prefix)]:
            del self.entries[key]

    def lock(self, key: str, seconds: float) -> Release | None:
        self._record("lock")
        if key in self.locked:
            return None
        self.locked.add(key)
        return lambda: self.locked.discard(key)

    def ping(self) -> None:
        self._record("ping")
