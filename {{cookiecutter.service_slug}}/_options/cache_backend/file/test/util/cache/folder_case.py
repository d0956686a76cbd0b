"""The base class of tests of the store in a folder."""

import shutil
import sys
import tempfile
import unittest
from pathlib import Path

from main.util.cache.backend import CacheSettings, CacheStore


@unittest.skipIf(sys.platform == "win32", "the store needs fcntl")
class FolderCase(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self) -> None:
        self.parent = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.parent, ignore_errors=True)
        super().setUp()

    def new_store(self) -> CacheStore:
        return CacheStore(CacheSettings(folder=str(self.parent), size=1))

    @property
    def folder(self) -> Path:
        """Return the folder that the store has created."""
        (folder,) = self.parent.glob("*-cache-*")
        return folder
