"""Folder: files of this user alone, which other users can neither read nor replace.

Owner and mode of the folder are checked when it is opened. Files are reached through the folder's
descriptor, not through its path, and symbolic links are not followed.
"""

import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


class Folder:
    """A folder; raises `OSError` if it cannot be created, or if other users have access to it.

    On Windows the path is used, because users have folders of their own there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._open_folder()

    def read(self, name: str) -> bytes | None:
        """Return the contents of a file; None if there is none."""
        try:
            with open(self._at(name), "rb", opener=self._open) as file:
                return file.read()
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Write a file; readers see the old contents or all of the new ones."""
        try:
            self._write(name, data)
        except FileNotFoundError:  # somebody has deleted the folder
            self._open_folder()
            self._write(name, data)

    def delete(self, name: str) -> None:
        """Delete a file if there is one."""
        with suppress(FileNotFoundError):
            os.unlink(self._at(name), dir_fd=self._descriptor)

    def files(self) -> Iterator[tuple[str, os.stat_result]]:
        """Yield the name and the status of each file."""
        with os.scandir(self._path if self._descriptor is None else self._descriptor) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # another process has deleted it
                    yield entry.name, entry.stat(follow_symlinks=False)

    def open(self, name: str) -> int:
        """Return a descriptor of a file, which is created if it is missing."""
        return self._open(self._at(name), os.O_RDWR | os.O_CREAT)

    def _open_folder(self) -> None:
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sys.platform == "win32":
            return
        descriptor = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | _NO_FOLLOW)
        status = os.fstat(descriptor)
        if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
            os.close(descriptor)
            raise PermissionError(errno.EPERM, "other users have access to it")
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = descriptor

    def _at(self, name: str) -> str:
        return str(self._path / name) if self._descriptor is None else name

    def _open(self, path: str, flags: int) -> int:
        return os.open(path, flags | _NO_FOLLOW, 0o600, dir_fd=self._descriptor)

    def _write(self, name: str, data: bytes) -> None:
        temporary = self._at(f"{secrets.token_hex(8)}.tmp")
        try:
            with open(temporary, "xb", opener=self._open) as file:
                file.write(data)
            os.replace(
                temporary,
                self._at(name),
                src_dir_fd=self._descriptor,
                dst_dir_fd=self._descriptor,
            )
        except BaseException:
            self.delete(temporary)
            raise
