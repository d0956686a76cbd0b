"""A store in a dictionary: what `@cached` expects of one, and nothing else."""

from collections.abc import Callable
from typing import Any


class Store:
    """Keeps everything, and counts what it was asked; `down` makes it fail."""

    def __init__(self, _: Any = None) -> None:
        self.entries: dict[str, bytes] = {}
        self.locked: set[str] = set()
        self.asked = 0
        self.down = False

    def _ask(self) -> None:
        self.asked += 1
        if self.down:
            raise ConnectionError("down")

    def get(self, key: str) -> bytes | None:
        """Return what is kept under the key, or None."""
        self._ask()
        return self.entries.get(key)

    def set(self, key: str, value: bytes, timeout: float | None) -> bool:
        """Keep the value."""
        self._ask()
        self.entries[key] = value
        return True

    def delete(self, key: str) -> None:
        """Delete what is kept under the key."""
        self._ask()
        self.entries.pop(key, None)

    def clear(self, prefix: str) -> None:
        """Delete every entry whose key starts so."""
        self._ask()
        for key in [key for key in self.entries if key.startswith(prefix)]:
            del self.entries[key]

    def lock(self, key: str, seconds: float) -> Callable[[], None] | None:
        """Return what releases the key's lock, or None if another holds it."""
        self._ask()
        if key in self.locked:
            return None
        self.locked.add(key)
        return lambda: self.locked.remove(key)

    def ping(self) -> None:
        """Raise `ConnectionError` when it is down."""
        self._ask()
