"""The store in a folder."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

from main.util import cache_backend
from main.util.cache_backend import Backend, CacheSettings
from main.util.config import SettingError, load


class FolderCase(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.backend = self.make()

    def make(self, **settings: str) -> Backend:
        """Return the store of a process."""
        backend = Backend(load(CacheSettings, {"APP_CACHE_DIR": str(self.folder), **settings}))
        self.addCleanup(os.close, backend._locks)
        return backend


class TestEntries(FolderCase):
    """Entries are kept, for all processes."""

    def test_what_was_set_is_there(self) -> None:
        self.assertIsNone(self.backend.get("a"))
        self.assertTrue(self.backend.set("a", b"1", 60))
        self.assertTrue(self.backend.set("a", b"\0\xff", None))
        self.assertEqual(self.make().get("a"), b"\0\xff")
        self.backend.delete("a")
        self.backend.delete("a")
        self.assertIsNone(self.backend.get("a"))

    def test_what_is_too_old_is_gone(self) -> None:
        self.backend.set("a", b"1", 0.5)
        with mock.patch("cachelib.file.time", return_value=4e9):
            self.assertIsNone(self.backend.get("a"))

    def test_clearing_by_the_beginning_of_the_keys(self) -> None:
        for key in ("a:1:x", "a:1:y", "a:2:x"):
            self.backend.set(key, b"1", None)
        self.backend.clear("a:1:")
        self.assertEqual(
            [self.backend.get(key) for key in ("a:1:x", "a:1:y", "a:2:x")], [None, None, b"1"]
        )

    def test_the_oldest_make_room(self) -> None:
        backend = self.make(APP_CACHE_SIZE="16")
        for number in range(50):
            backend.set(f"{number}", b"1", None)
            os.utime(backend._entries / f"{number}", (number, number))
            self.assertLessEqual(len(list(backend._entries.iterdir())), 16)
        self.assertEqual(backend.get("49"), b"1")
        self.assertIsNone(backend.get("0"))

    def test_many_may_use_it(self) -> None:
        stores = [self.make(APP_CACHE_SIZE="16") for _ in range(4)]

        def use(number: int) -> None:
            store = stores[number % 4]
            store.set(f"{number % 40}", b"1", None)
            self.assertIn(store.get(f"{number % 30}"), (b"1", None))
            store.clear(f"{number % 7}")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(use, range(400)))

    def test_another_prunes_at_the_same_time(self) -> None:
        gone = mock.Mock(stat=mock.Mock(side_effect=FileNotFoundError))
        with mock.patch("os.scandir", return_value=[gone]):
            self.assertTrue(self.backend.set("a", b"1", None))


class TestFolder(FolderCase):
    """The folder is this user's alone, or the service does not start."""

    @unittest.skipIf(sys.platform == "win32", "Windows has other permissions")
    def test_nobody_else_can_read_it(self) -> None:
        self.folder.chmod(0o755)
        self.backend.set("a", b"1", None)
        for path in self.folder.rglob("*"):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o077, 0, path)

    @unittest.skipIf(sys.platform == "win32", "Windows has other permissions")
    def test_one_that_others_may_read_is_refused(self) -> None:
        (self.folder / "entries").chmod(0o750)
        with self.assertRaisesRegex(SettingError, "APP_CACHE_DIR must be a folder .* others may"):
            self.make()

    def test_what_is_no_folder_is_refused(self) -> None:
        file = self.folder / "file"
        file.touch()
        with self.assertRaisesRegex(SettingError, f"APP_CACHE_DIR must be .*{file.name}"):
            self.make(APP_CACHE_DIR=str(file))

    def test_a_folder_that_was_lost_is_made_again(self) -> None:
        shutil.rmtree(self.folder)
        self.assertIsNone(self.backend.get("a"))
        self.assertTrue(self.backend.set("a", b"1", None))
        shutil.rmtree(self.folder)
        self.backend.ping()
        self.assertTrue(self.backend.set("a", b"1", None))

    def test_there_is_one_by_default(self) -> None:
        with mock.patch("tempfile.gettempdir", return_value=str(self.folder)):
            self.make(APP_CACHE_DIR="")
        self.assertTrue(list(self.folder.glob("*-cache-*/entries")))


HOLD = """
import sys
from main.util.cache_backend import Backend, CacheSettings
from main.util.config import load
release = Backend(load(CacheSettings)).lock(sys.argv[1], 1)
print(release is not None, flush=True)
sys.stdin.readline()
"""


class TestLocks(FolderCase):
    """A process holds a key's lock until it releases it, or dies."""

    def hold(self, key: str) -> "subprocess.Popen[str]":
        """Start a process that holds the lock, if it can."""
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, key],
            env={**os.environ, "APP_CACHE_DIR": str(self.folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def said(self, process: "subprocess.Popen[str]") -> str:
        """Return its answer."""
        assert process.stdout is not None
        return process.stdout.readline().strip()

    @unittest.skipIf(sys.platform == "win32", "one process serves there")
    def test_one_holds_it(self) -> None:
        holder = self.hold("a")
        self.assertEqual(self.said(holder), "True")
        self.assertIsNone(self.backend.lock("a", 1))
        self.assertIsNotNone(self.backend.lock("b", 1))
        holder.kill()
        holder.wait()
        self.assertIsNotNone(self.backend.lock("a", 1))
        self.assertEqual(self.said(self.hold("a")), "False")

    def test_who_releases_it_gives_it_to_others(self) -> None:
        release = self.backend.lock("a", 1)
        assert release is not None
        release()
        self.assertEqual(self.said(self.hold("a")), "True")


class TestNames(unittest.TestCase):
    """Keys are names of files."""

    def test_colons_are_no_part_of_a_name(self) -> None:
        self.assertEqual(cache_backend.Name(b"a:b").hexdigest(), "a@b")
