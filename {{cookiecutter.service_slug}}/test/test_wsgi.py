"""Tests of main.wsgi."""

import gc
import importlib
import os
import unittest
from unittest import mock

from flask import Flask


class TestWsgi(unittest.TestCase):
    """The module that a WSGI server imports."""

    def test_it_offers_the_application(self) -> None:
        self.assertIsInstance(importlib.import_module("main.wsgi").app, Flask)

    def test_garbage_collections_of_workers_visit_none_of_its_objects(self) -> None:
        wsgi = importlib.import_module("main.wsgi")
        gc.unfreeze()
        self.addCleanup(gc.unfreeze)
        importlib.reload(wsgi)
        self.assertGreater(gc.get_freeze_count(), 0)

    def test_invalid_settings_are_logged_as_one_error_and_end_the_process(self) -> None:
        wsgi = importlib.import_module("main.wsgi")
        with (
            mock.patch.dict(os.environ, APP_CACHE_TTL="soon", APP_POOL_THREADS="0"),
            self.assertLogs("main.wsgi", "ERROR") as logs,
            self.assertRaises(SystemExit) as exit_,
        ):
            importlib.reload(wsgi)
        (record,) = logs.records
        self.assertEqual(record.getMessage(), "start.failed")
        self.assertEqual(len(vars(record)["errors"]), 2)
        self.assertEqual(exit_.exception.code, wsgi.REASON_IS_LOGGED)
