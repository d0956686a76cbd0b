"""The callable that a server imports."""

import importlib
import os
import unittest
from unittest import mock

from flask import Flask

from main.util import cache


class TestWsgi(unittest.TestCase):
    """It is there, or one sentence says why not."""

    def setUp(self) -> None:
        patch = mock.patch.object(cache, "_current", None)
        patch.start()
        self.addCleanup(patch.stop)

    def test_the_app(self) -> None:
        with mock.patch.dict(os.environ, APP_LOG_LEVEL="ERROR"):
            self.assertIsInstance(importlib.import_module("main.wsgi").app, Flask)

    def test_a_bad_setting_ends_it_with_a_sentence(self) -> None:
        import main.wsgi

        with (
            mock.patch.dict(os.environ, APP_CACHE_SIZE="many"),
            self.assertRaisesRegex(SystemExit, "^Cannot start: APP_CACHE_SIZE must be a whole"),
        ):
            importlib.reload(main.wsgi)
