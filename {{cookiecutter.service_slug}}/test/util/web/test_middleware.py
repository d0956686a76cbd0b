"""Tests of the WSGI middleware."""

from unittest import mock

from prometheus_client import REGISTRY

from main.util.context import deadline
from test.case import ServiceCase


def count(kind: str = "count", **labels: str) -> float:
    """Return the number of requests with these labels, or the sum of their durations."""
    name = f"http_server_request_duration_seconds_{kind}"
    return REGISTRY.get_sample_value(name, labels) or 0.0


class TestMiddleware(ServiceCase):
    """The middleware prepares each request and completes each response."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.app.add_url_rule("/remaining", view_func=lambda: str(deadline.remaining()))
        headers = {"cache-control": "max-age=1"}
        cls.app.add_url_rule("/cached", "cached", lambda: ("", headers))

    def test_every_request_has_a_new_deadline(self) -> None:
        deadline.start(1)
        remaining = float(self.client.get("/remaining").text)
        self.assertAlmostEqual(remaining, deadline.REQUEST_TIMEOUT, delta=1)

    def test_the_request_id_is_returned(self) -> None:
        response = self.client.get("/livez", headers={"X-Request-ID": "Abc-123._"})
        self.assertEqual(response.headers["X-Request-ID"], "Abc-123._")

    def test_responses_are_not_to_be_stored_unless_they_say_otherwise(self) -> None:
        for path, expected in {
            "/livez": "no-store",
            "/nothing": "no-store",
            "/docs/openapi.json": "no-store",
            "/cached": "max-age=1",
        }.items():
            with self.subTest(path):
                headers = self.client.get(path).headers
                self.assertEqual(headers.get_all("Cache-Control"), [expected])

    def test_reason_phrases_are_those_of_rfc_9110(self) -> None:
        for path, expected in {"/livez": "200 OK", "/nothing": "404 Not Found"}.items():
            self.assertEqual(self.client.get(path).status, expected)

    def test_requests_are_measured_by_method_route_and_status(self) -> None:
        labels = {"method": "GET", "route": "/livez", "status": "200"}
        before, seconds = count(**labels), count("sum", **labels)
        with mock.patch("main.util.web.middleware.perf_counter", side_effect=(100.0, 100.25)):
            self.client.get("/livez")
        self.assertEqual(count(**labels), before + 1)
        self.assertAlmostEqual(count("sum", **labels), seconds + 0.25)

    def test_callers_cannot_create_label_values(self) -> None:
        labels = {"method": "_OTHER", "route": "unmatched", "status": "404"}
        before = count(**labels)
        for path in ("/a", "/b"):
            self.client.open(path, method="BREW")
        self.assertEqual(count(**labels), before + 2)
