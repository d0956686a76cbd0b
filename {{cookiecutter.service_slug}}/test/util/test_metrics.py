"""Metrics."""

import re
import tempfile
import types
import unittest
from pathlib import Path
from unittest import mock

from prometheus_client import REGISTRY, values

from main.util import metrics
from test.case import ServiceCase

OPS = {"OPS_LISTENER": "on"}


def count(kind: str = "count", **labels: str) -> float:
    """Return how many requests were counted under these labels, or the sum of their seconds."""
    return REGISTRY.get_sample_value(f"http_request_duration_seconds_{kind}", labels) or 0.0


class TestRequests(ServiceCase):
    """Requests are counted and timed by method, route and status."""

    def test_a_request_is_counted(self) -> None:
        labels = {"method": "GET", "route": "/livez", "status": "200"}
        before, seconds = count(**labels), count("sum", **labels)
        with mock.patch("main.util.metrics.perf_counter", side_effect=(100.0, 100.25)):
            self.client.get("/livez")
        self.assertEqual(count(**labels), before + 1)
        self.assertAlmostEqual(count("sum", **labels), seconds + 0.25)

    def test_callers_make_up_no_labels(self) -> None:
        before = count(method="other", route="unmatched", status="404")
        for path in ("/a", "/b"):
            self.client.open(path, method="BREW")
        self.assertEqual(count(method="other", route="unmatched", status="404"), before + 2)


class TestScrape(ServiceCase):
    """Prometheus reads the numbers, and nobody else does."""

    def test_the_operations_port_gets_them(self) -> None:
        self.client.get("/livez")
        response = self.client.get("/metrics", environ_overrides=OPS)
        self.assertEqual(response.mimetype, "text/plain")
        self.assertIn('route="/livez",status="200"', response.text)
        buckets = re.findall(r'le="([^"]+)",method="GET",route="/livez"', response.text)
        seconds = "0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1.0 2.5 5.0 10.0 +Inf"
        self.assertEqual(buckets, seconds.split())

    def test_the_public_gets_nothing(self) -> None:
        self.assert_problem(self.client.get("/metrics"), 404)
        self.assert_problem(self.client.get("/metrics", headers={"OPS_LISTENER": "on"}), 404)

    def test_a_file_that_a_worker_has_just_created_is_skipped(self) -> None:
        with (
            tempfile.TemporaryDirectory() as folder,
            mock.patch.dict("os.environ", PROMETHEUS_MULTIPROC_DIR=folder),
        ):
            Path(folder, "counter_1.db").touch()
            response = self.client.get("/metrics", environ_overrides=OPS)
        self.assertEqual((response.status_code, response.text), (200, ""))

    def test_values_of_all_workers_are_read_where_there_are_several(self) -> None:
        with (
            tempfile.TemporaryDirectory() as folder,
            mock.patch.dict("os.environ", PROMETHEUS_MULTIPROC_DIR=folder),
        ):
            response = self.client.get("/metrics", environ_overrides=OPS)
        self.assertEqual((response.status_code, response.text), (200, ""))


class TestValues(unittest.TestCase):
    """Where the values are kept depends on the kind of process."""

    def setUp(self) -> None:
        patch = mock.patch.object(values, "ValueClass", None)
        patch.start()
        self.addCleanup(patch.stop)

    def test_a_plain_process_keeps_the_default(self) -> None:
        metrics.choose_values()
        self.assertIsNone(values.ValueClass)

    def test_a_process_of_a_pool_keeps_them_to_itself(self) -> None:
        with mock.patch("multiprocessing.parent_process"):
            metrics.choose_values()
        self.assertIs(values.ValueClass, values.MutexValue)

    def test_uwsgi_has_a_file_a_worker(self) -> None:
        uwsgi = types.SimpleNamespace(worker_id=lambda: 7)
        with (
            tempfile.TemporaryDirectory() as folder,
            mock.patch.dict("sys.modules", uwsgi=uwsgi),
            mock.patch.dict("os.environ", PROMETHEUS_MULTIPROC_DIR=folder),
        ):
            metrics.choose_values()
            value = values.ValueClass("counter", "name", "name", (), (), "help")
            value.inc(1)
            self.assertTrue(value._file._f.name.endswith("counter_7.db"))
            values.ValueClass.close_all_files()
