"""The store of the cache: files in a folder that all workers on the machine share.

The folder survives restarts. Windows can import this module, but not use the store.
"""

import errno
import os
import sys
import tempfile
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from main.util.cache.folder import Folder
from main.util.cache.store import (
    MEGABYTE,
    RefusedError,
    Release,
    Store,
    StoreSettings,
    size_setting,
)
from main.util.config import NAME, SettingError, setting

if sys.platform != "win32":
    import fcntl

LOCKS = "locks"
# A file takes whole blocks of the disk.
BLOCK_SIZE = 4096
FULL_OR_READ_ONLY = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@dataclass(frozen=True, kw_only=True)
class CacheSettings(StoreSettings):
    """Settings of the cache."""

    size: int = size_setting("64", "Megabytes that the results may take, about.")
    folder: str = setting(
        "APP_CACHE_DIR",
        "",
        str,
        "Folder in which the cache creates its own; by default that for temporary files.",
    )


class CacheStore(Store):
    """Keeps each entry in a file, and deletes the oldest files to make room."""

    def __init__(self, settings: CacheSettings) -> None:
        parent = Path(settings.folder or tempfile.gettempdir()).absolute()
        name = f"{NAME}-cache-{os.getuid()}"
        try:
            self._folder = Folder(parent / name)
            self._locks = self._folder.open(LOCKS, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise SettingError(
                f"APP_CACHE_DIR must be a folder where {name} can belong to this user alone; "
                f"got {str(parent)!r} ({error.strerror}). "
                "Correct owner and mode, or name another folder."
            ) from None
        self._max_size = settings.size * MEGABYTE
        self._written = 0

    def get(self, key: str) -> bytes | None:
        return self._folder.read(file_name(key))

    def set(self, key: str, value: bytes, expiry: float) -> None:
        if len(value) > self._max_size // 4:
            raise RefusedError("larger than a quarter of APP_CACHE_SIZE")
        try:
            self._folder.write(file_name(key), value)
        except OSError as error:
            if error.errno in FULL_OR_READ_ONLY:
                raise RefusedError(error.strerror) from error
            raise
        self._written += disk_size(len(value))
        # So seldom, and yet so often that several workers together keep to the size.
        if self._written > self._max_size // 32:
            self._written = 0
            self._prune()

    def delete(self, key: str) -> None:
        self._folder.delete(file_name(key))

    def clear(self, prefix: str) -> None:
        for name, _ in self._folder.files():
            if name.startswith(prefix):
                self._folder.delete(name)

    def lock(self, key: str, seconds: float) -> Release | None:
        # A byte of the file for each key. The system ends the lock with its process.
        position = int.from_bytes(blake2b(key.encode(), digest_size=7).digest(), "big")
        try:
            fcntl.lockf(self._locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, position)
        except (BlockingIOError, PermissionError):
            return None
        return lambda: fcntl.lockf(self._locks, fcntl.LOCK_UN, 1, position)

    def ping(self) -> None:
        self._folder.write("ping", b"")

    def _prune(self) -> None:
        """Delete the oldest files until the others take 3/4 of the size."""
        files = [
            (status.st_mtime, disk_size(status.st_size), name)
            for name, status in self._folder.files()
            if name != LOCKS
        ]
        total = sum(size for _, size, _ in files)
        for _, size, name in sorted(files):
            if total <= self._max_size * 3 // 4:
                break
            self._folder.delete(name)
            total -= size


def file_name(key: str) -> str:
    """Return the name of a key's file, which begins with the prefix of the key."""
    prefix, _, arguments = key.rpartition(":")
    return f"{prefix}:{blake2b(arguments.encode(), digest_size=16).hexdigest()}"


def disk_size(size: int) -> int:
    """Return the bytes that a file takes on the disk."""
    return -(-size // BLOCK_SIZE) * BLOCK_SIZE
