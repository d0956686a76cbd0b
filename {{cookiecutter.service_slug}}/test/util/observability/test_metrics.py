"""Tests of the metrics."""

import tempfile
import types
import unittest
from unittest import mock

from prometheus_client import REGISTRY, values

from main.util.observability import metrics


class TestObservers(unittest.TestCase):
    """Each observer adds to one metric."""

    def test_upstream_calls_are_measured_by_upstream_method_and_status(self) -> None:
        metrics.observe_upstream_call("rates.example", "GET", "200", 0.5)
        labels = {"upstream": "rates.example", "method": "GET", "status": "200"}
        name = "http_client_request_duration_seconds_sum"
        self.assertEqual(REGISTRY.get_sample_value(name, labels), 0.5)

    def test_cache_calls_are_counted_by_function_and_outcome(self) -> None:
        for _ in range(2):
            metrics.count_cache_call("module.function", "hit")
        labels = {"callable": "module.function", "outcome": "hit"}
        self.assertEqual(REGISTRY.get_sample_value("cache_calls_total", labels), 2)


class TestConfigureValues(unittest.TestCase):
    """Where the values are kept depends on the kind of process."""

    def setUp(self) -> None:
        patch = mock.patch.object(values, "ValueClass", None)
        patch.start()
        self.addCleanup(patch.stop)
        metrics.configure_values.cache_clear()

    def test_a_plain_process_keeps_the_default(self) -> None:
        metrics.configure_values()
        self.assertIsNone(values.ValueClass)

    def test_a_pool_process_keeps_its_values_in_memory(self) -> None:
        with mock.patch("multiprocessing.parent_process"):
            metrics.configure_values()
        self.assertIs(values.ValueClass, values.MutexValue)

    def test_each_uwsgi_worker_has_one_file(self) -> None:
        uwsgi = types.SimpleNamespace(worker_id=lambda: 7)
        with (
            tempfile.TemporaryDirectory() as folder,
            mock.patch.dict("sys.modules", uwsgi=uwsgi),
            mock.patch.dict("os.environ", PROMETHEUS_MULTIPROC_DIR=folder),
        ):
            metrics.configure_values()
            value = values.ValueClass("counter", "name", "name", (), (), "help")
            value.inc(1)
            self.assertTrue(value._file._f.name.endswith("counter_7.db"))
            values.ValueClass.close_all_files()
