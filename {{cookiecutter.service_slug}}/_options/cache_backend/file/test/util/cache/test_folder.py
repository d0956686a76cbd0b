"""The folder of the store: nobody else can read or replace its files."""

import os
import stat
import tempfile
from unittest import mock

from main.util.cache.backend import CacheSettings, CacheStore
from main.util.config import SettingError
from test.util.cache.folder_case import FolderCase
from test.util.cache.store_contract import key


class TestFolder(FolderCase):
    def test_only_this_user_has_access(self) -> None:
        self.new_store().set(key(1), b"1", 60)
        for path in (self.folder, *self.folder.iterdir()):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o077, 0, path)

    def test_a_folder_to_which_others_have_access_is_rejected(self) -> None:
        self.new_store()
        self.folder.chmod(0o770)
        with self.assertRaisesRegex(SettingError, "^APP_CACHE_DIR must .*other users have access"):
            self.new_store()

    def test_a_folder_of_another_user_is_rejected(self) -> None:
        with (
            mock.patch("os.getuid", return_value=os.getuid() + 1),
            self.assertRaisesRegex(SettingError, "other users have access"),
        ):
            self.new_store()

    def test_a_symbolic_link_is_not_followed(self) -> None:
        self.new_store()
        folder = self.folder
        target = folder.rename(self.parent / "target")
        folder.symlink_to(target)
        with self.assertRaisesRegex(SettingError, "^APP_CACHE_DIR must be"):
            self.new_store()

    def test_the_folder_cannot_be_replaced_while_it_is_in_use(self) -> None:
        store = self.new_store()
        store.set(key(1), b"1", 60)
        original = self.folder
        original.rename(self.parent / "original")
        original.symlink_to(tempfile.gettempdir())
        store.set(key(1), b"2", 60)
        self.assertEqual(store.get(key(1)), b"2")

    def test_a_file_as_parent_is_rejected(self) -> None:
        file = self.parent / "file"
        file.touch()
        with self.assertRaisesRegex(SettingError, "APP_CACHE_DIR must be a folder .*file"):
            CacheStore(CacheSettings(folder=str(file)))

    def test_the_default_parent_is_that_of_temporary_files(self) -> None:
        with mock.patch("tempfile.gettempdir", return_value=str(self.parent)):
            CacheStore(CacheSettings()).set(key(1), b"1", 60)
        self.assertTrue(self.folder.is_dir())
