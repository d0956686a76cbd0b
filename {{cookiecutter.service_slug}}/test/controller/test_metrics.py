"""Tests of GET /metrics."""

import re
import tempfile
from unittest import mock

from test.case import ServiceCase

OPERATIONS = {"OPS_LISTENER": "on"}


class TestMetrics(ServiceCase):
    """Prometheus reads the metrics on the operations port."""

    def test_the_operations_port_gets_all_metrics(self) -> None:
        self.client.get("/livez")
        response = self.client.get("/metrics", environ_overrides=OPERATIONS)
        self.assertEqual(response.mimetype, "text/plain")
        self.assertIn('route="/livez",status="200"', response.text)
        buckets = re.findall(r'le="([^"]+)",method="GET",route="/livez"', response.text)
        seconds = "0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1.0 2.5 5.0 10.0 +Inf"
        self.assertEqual(buckets, seconds.split())

    def test_the_public_port_gets_a_404(self) -> None:
        self.assert_problem(self.client.get("/metrics"), 404)
        self.assert_problem(self.client.get("/metrics", headers={"OPS_LISTENER": "on"}), 404)

    def test_the_files_of_all_workers_are_read_where_there_are_several(self) -> None:
        with (
            tempfile.TemporaryDirectory() as folder,
            mock.patch.dict("os.environ", PROMETHEUS_MULTIPROC_DIR=folder),
        ):
            response = self.client.get("/metrics", environ_overrides=OPERATIONS)
        self.assertEqual((response.status_code, response.text), (200, ""))
