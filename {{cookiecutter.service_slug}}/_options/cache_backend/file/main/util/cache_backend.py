"""The cache's store: a folder, shared by all workers on the machine; it outlives restarts."""

import math
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

import environ
from cachelib import FileSystemCache

from main.util.config import NAME, SettingError, seconds, setting, whole

if sys.platform != "win32":
    import fcntl


@environ.config(prefix="APP_CACHE", frozen=True)
class CacheSettings:
    """What the store reads from the environment."""

    ttl: float = setting(
        "APP_CACHE_TTL", "300", seconds, "Seconds for which a cached result is fresh by default."
    )
    size: int = setting(
        "APP_CACHE_SIZE", "1024", whole(16, 10_000_000), "Entries that the folder holds, about."
    )
    folder: str = setting(
        "APP_CACHE_DIR",
        "",
        str,
        "Folder of the cache; without, one for temporary files of this user.",
    )


class Backend:
    """Keeps a file an entry, and deletes the oldest when there are too many."""

    def __init__(self, settings: CacheSettings) -> None:
        user = getattr(os, "getuid", str)()  # Windows has a temporary folder for each user
        folder = settings.folder or str(Path(tempfile.gettempdir(), f"{NAME}-cache-{user}"))
        self._folder = Path(folder).absolute()
        # A folder of our own: others may have files in the one that we were given.
        self._entries = self._folder / "entries"
        try:
            self.ping()
            self._locks = os.open(self._folder / "locks", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise SettingError(
                "APP_CACHE_DIR must be a folder where this user, and nobody else, may read and "
                f"write, not {folder!r}: {error.strerror}."
            ) from None
        self._files = Files(str(self._entries), threshold=0, hash_method=Name)
        self._size = settings.size
        self._set_since_prune = self._between_prunes = settings.size // 16

    def get(self, key: str) -> bytes | None:
        """Return what is kept under the key, or None."""
        value: bytes | None = self._files.get(key)
        return value

    def set(self, key: str, value: bytes, timeout: float | None) -> bool:
        """Keep the value, which need not be for longer than so many seconds; tell if it is kept."""
        self._set_since_prune += 1
        if self._set_since_prune > self._between_prunes:
            self._set_since_prune = 0
            self._prune()
        return self._files.set(key, value, 0 if timeout is None else math.ceil(timeout) + 1)

    def delete(self, key: str) -> None:
        """Delete what is kept under the key."""
        self._files.delete(key)

    def clear(self, prefix: str) -> None:
        """Delete every entry whose key starts so."""
        beginning = Name(prefix.encode()).hexdigest()
        for entry in os.scandir(self._entries):
            if entry.name.startswith(beginning):
                Path(entry).unlink(missing_ok=True)

    def lock(self, key: str, seconds: float) -> Callable[[], None] | None:
        """Return what releases the key's lock, or None if another process holds it.

        The system releases it when its holder dies: it needs no time of its own.
        """
        if sys.platform == "win32":
            return lambda: None  # one process serves there
        # A byte for each key: locks of different keys never meet.
        at = int.from_bytes(blake2b(key.encode(), digest_size=7).digest(), "big")
        try:
            fcntl.lockf(self._locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at)
        except (BlockingIOError, PermissionError):
            return None
        return lambda: fcntl.lockf(self._locks, fcntl.LOCK_UN, 1, at)

    def ping(self) -> None:
        """Raise `OSError` unless the folder is there, ours alone, and takes files."""
        self._entries.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sys.platform != "win32":
            found = self._entries.lstat()
            if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
                raise PermissionError(None, "others may read it")
        with tempfile.TemporaryFile(dir=self._entries):
            pass

    def _prune(self) -> None:
        """Delete the files that were written first, down to 3/4 of the size."""
        self._entries.mkdir(mode=0o700, parents=True, exist_ok=True)  # who cleans up may take it
        written = []
        for entry in os.scandir(self._entries):
            try:
                written.append((entry.stat().st_mtime, entry.path))
            except FileNotFoundError:  # another process deleted it
                continue
        if len(written) > self._size - self._between_prunes:
            written.sort()
            for _, path in written[: len(written) - self._size * 3 // 4]:
                Path(path).unlink(missing_ok=True)


class Bytes:
    """Write and read bytes as they are."""

    def dump(self, value: bytes, file: IO[bytes], protocol: int = 0) -> None:
        """Write the value."""
        file.write(value)

    def load(self, file: IO[bytes]) -> bytes:
        """Read the value."""
        return file.read()


class Name:
    """Stands in for a hash function: our keys can be names of files, and tell their prefix."""

    def __init__(self, key: bytes) -> None:
        self.key = key

    def hexdigest(self) -> str:
        """Return the name of the key's file."""
        return self.key.decode().replace(":", "@")


class Files(FileSystemCache):
    """cachelib's files, which holds what we give it."""

    serializer: Any = Bytes()

    def _run_safely(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # It would try for ten seconds to open a file that belongs to another user.
        return fn(*args, **kwargs)
