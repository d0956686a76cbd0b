"""Tests of the metrics; those of GET /metrics and of create_app() cover their labels."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

from prometheus_client import REGISTRY, values

from main.util.observability import metrics


class TestMetrics(unittest.TestCase):
    def test_upstream_calls_are_measured_by_upstream_method_and_status(self) -> None:
        metrics.observe_upstream_call("measured.example", "GET", "200", 0.5)
        labels = {"upstream": "measured.example", "method": "GET", "status": "200"}
        name = "http_client_request_duration_seconds_sum"
        self.assertEqual(REGISTRY.get_sample_value(name, labels), 0.5)

    def test_the_load_is_the_last_sample(self) -> None:
        for number in (3, 1):
            metrics.observe_load(number, [("threads", number + 1)])
        self.assertEqual(REGISTRY.get_sample_value("http_server_active_requests"), 1)
        queued = REGISTRY.get_sample_value("pool_queued_tasks", {"pool": "threads"})
        self.assertEqual(queued, 2)


class TestConfigureValues(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.object(values, "ValueClass", None))
        metrics.configure_values.cache_clear()

    def test_a_plain_process_keeps_the_default(self) -> None:
        metrics.configure_values()
        self.assertIsNone(values.ValueClass)

    def test_a_pool_process_keeps_its_values_in_memory(self) -> None:
        for create in (metrics.histogram, metrics.counter):
            metrics.configure_values.cache_clear()
            values.ValueClass = None
            with self.subTest(create), mock.patch("multiprocessing.parent_process"):
                create(f"test_{create.__name__}", "Created by a test.", ["label"])
                self.assertIs(values.ValueClass, values.MutexValue)

    def test_the_files_of_all_uwsgi_workers_are_summed(self) -> None:
        uwsgi = mock.Mock()
        uwsgi.workers.return_value = [{"respawn_count": 0}, {"respawn_count": 2}]
        with (
            tempfile.TemporaryDirectory() as folder,
            mock.patch.dict("sys.modules", uwsgi=uwsgi),
            mock.patch.dict("os.environ", PROMETHEUS_MULTIPROC_DIR=folder),
        ):
            uwsgi.worker_id.return_value = 1
            metrics.configure_values()
            value = values.ValueClass("counter", "jobs", "jobs_total", (), (), "Jobs.")
            value.inc(1)
            uwsgi.worker_id.return_value = 2
            value.inc(1)
            Path(folder, "counter_3.db").touch()
            text = metrics.collect().decode()
            self.assertIn("jobs_total 2.0", text)
            self.assertIn("worker_restarts_total 2.0", text)
            values.ValueClass.close_all_files()
