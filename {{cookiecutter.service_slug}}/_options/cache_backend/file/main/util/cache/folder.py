"""Folder: files of this user alone, which other users can neither read nor replace.

Owner and mode of the folder are checked when it is opened. Files are reached through the folder's
descriptor, not through its path, and symbolic links are not followed.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


class Folder:
    """A folder; raises `OSError` if it cannot be created, or if other users have access to it."""

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        status = os.fstat(self._descriptor)
        if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
            os.close(self._descriptor)
            raise PermissionError(errno.EPERM, "other users have access to it")

    def open(self, name: str, flags: int) -> int:
        """Return a descriptor of a file."""
        return os.open(name, flags | os.O_NOFOLLOW, 0o600, dir_fd=self._descriptor)

    def read(self, name: str) -> bytes | None:
        """Return the contents of a file; None if there is none."""
        try:
            with open(name, "rb", opener=self.open) as file:
                return file.read()
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Write a file; readers see the old contents or all of the new ones."""
        temporary = f"{secrets.token_hex(8)}.tmp"
        folder = self._descriptor
        try:
            with open(temporary, "xb", opener=self.open) as file:
                file.write(data)
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            self.delete(temporary)
            raise

    def delete(self, name: str) -> None:
        """Delete a file if there is one."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._descriptor)

    def files(self) -> Iterator[tuple[str, os.stat_result]]:
        """Yield the name and the status of each file."""
        with os.scandir(self._descriptor) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # another process has deleted it
                    yield entry.name, entry.stat(follow_symlinks=False)
