"""The store in a folder."""

import errno
import os
import subprocess
import sys
from unittest import mock

from main.util.cache.store import MEGABYTE, RefusedError
from test.util.cache import store_contract
from test.util.cache.folder_case import FolderCase
from test.util.cache.store_contract import key

LOCK_AND_WAIT = """
import sys
from main.util.cache.backend import CacheSettings, CacheStore
from main.util.config import load
release = CacheStore(load(CacheSettings)).lock(sys.argv[1], 1)
print(release is not None, flush=True)
sys.stdin.readline()
"""


class TestFiles(FolderCase, store_contract.StoreContract):
    def test_values_are_kept_for_other_processes(self) -> None:
        self.store.set(key(1), b"1", 60)
        self.assertEqual(self.new_store().get(key(1)), b"1")

    def test_the_oldest_values_make_room(self) -> None:
        for number in range(400):
            self.store.set(key(number), bytes(5000), 60)
            size = sum(path.stat().st_blocks * 512 for path in self.folder.iterdir())
            self.assertLessEqual(size, MEGABYTE)
        self.assertIsNotNone(self.store.get(key(399)))
        self.assertIsNone(self.store.get(key(0)))

    def test_a_value_that_is_too_large_is_refused(self) -> None:
        with self.assertRaisesRegex(RefusedError, "APP_CACHE_SIZE"):
            self.store.set(key(1), bytes(MEGABYTE // 4 + 1), 60)

    def test_a_full_disk_refuses_values_and_leaves_no_file(self) -> None:
        with (
            mock.patch("os.replace", side_effect=OSError(errno.ENOSPC, "No space left")),
            self.assertRaisesRegex(RefusedError, "No space left"),
        ):
            self.store.set(key(1), b"1", 60)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["locks"])

    def test_other_errors_of_the_disk_are_raised(self) -> None:
        with (
            mock.patch("os.replace", side_effect=OSError(errno.EIO, "Input/output error")),
            self.assertRaisesRegex(OSError, "Input/output error"),
        ):
            self.store.set(key(1), b"1", 60)

    def test_a_file_that_another_process_deletes_is_skipped(self) -> None:
        gone = mock.Mock(stat=mock.Mock(side_effect=FileNotFoundError))
        entries = mock.MagicMock()
        entries.__enter__.return_value = [gone]
        with mock.patch("os.scandir", return_value=entries):
            self.store.clear(key(1))


class TestLocks(FolderCase):
    """A process holds a lock until it releases it or ends."""

    def lock_in_other_process(self) -> "subprocess.Popen[str]":
        """Start a process that takes the lock, if it can, and waits."""
        process = subprocess.Popen(
            [sys.executable, "-c", LOCK_AND_WAIT, key(1)],
            env={**os.environ, "APP_CACHE_DIR": str(self.parent)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def has_lock(self, process: "subprocess.Popen[str]") -> bool:
        """Return whether the process got the lock."""
        assert process.stdout is not None
        return process.stdout.readline() == "True\n"

    def test_one_process_holds_the_lock_of_a_key(self) -> None:
        store = self.new_store()
        holder = self.lock_in_other_process()
        self.assertTrue(self.has_lock(holder))
        self.assertIsNone(store.lock(key(1), 1))
        self.assertIsNotNone(store.lock(key(2), 1))
        holder.kill()
        holder.wait()
        release = store.lock(key(1), 1)
        assert release is not None
        self.assertFalse(self.has_lock(self.lock_in_other_process()))
        release()
        self.assertTrue(self.has_lock(self.lock_in_other_process()))
