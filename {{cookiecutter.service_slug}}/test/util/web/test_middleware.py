import socket
import time
from unittest import mock

from prometheus_client import REGISTRY

from main.util.context import current_trace, deadline
from main.util.web import middleware, watchdog
from test.case import ServiceCase


def measured(kind: str = "count", **labels: str) -> float:
    """Return the number of requests with these labels, or the sum of their durations."""
    name = f"http_server_request_duration_seconds_{kind}"
    return REGISTRY.get_sample_value(name, labels) or 0.0


class TestMiddleware(ServiceCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()

        def own(status: int) -> tuple[str, int]:
            return str(deadline.remaining()), status

        cls.app.add_url_rule("/own/<int:status>", view_func=own)

        def running() -> list[str]:
            return [request_id for _, request_id in watchdog.running.values()]

        def trace() -> list[str]:
            return list(current_trace.get() or ())

        cls.app.add_url_rule("/running", view_func=running)
        cls.app.add_url_rule("/trace", view_func=trace)
        started = mock.patch.object(middleware, "STARTED_AT", 0.0)
        started.start()
        cls.addClassCleanup(started.stop)

    def test_every_request_has_a_new_deadline(self) -> None:
        deadline.start(1)
        remaining = float(self.client.get("/own/299").text)
        self.assertAlmostEqual(remaining, deadline.REQUEST_TIMEOUT, delta=1)

    def test_the_deadline_counts_from_the_arrival_in_nginx(self) -> None:
        for waited, used in ((4.0, 4.0), (-60.0, 0.0)):  # a clock may have been set back
            now = time.time()
            with mock.patch("main.util.web.middleware.time", return_value=now):
                environ = {"QUEUED_AT": f"{now - waited:.3f}"}
                response = self.client.get("/own/299", environ_overrides=environ)
            remaining = deadline.REQUEST_TIMEOUT - used
            self.assertAlmostEqual(float(response.text), remaining, delta=1)

    def test_a_request_that_has_waited_too_long_is_refused(self) -> None:
        labels = {"method": "GET", "route": "unmatched", "status": "503"}
        before = measured(**labels)
        environ = {"QUEUED_AT": f"{time.time() - 5.5:.3f}"}
        response = self.client.get("/livez", environ_overrides=environ)
        self.assert_problem(response, 503)
        self.assertEqual(response.headers["Retry-After"], "1")
        self.assertEqual(measured(**labels), before + 1)

    def test_the_time_of_a_reload_does_not_count(self) -> None:
        environ = {"QUEUED_AT": f"{time.time() - 10:.3f}"}
        with mock.patch.object(middleware, "STARTED_AT", time.time() - 1):
            response = self.client.get("/livez", environ_overrides=environ)
        self.assertEqual(response.status_code, 200)

    def test_a_request_whose_caller_has_hung_up_is_refused(self) -> None:
        uwsgi = mock.Mock()
        of_nginx, of_uwsgi = socket.socketpair()
        uwsgi.connection_fd.return_value = of_uwsgi.fileno()
        with of_nginx, of_uwsgi, mock.patch.dict("sys.modules", uwsgi=uwsgi):
            for waited, status in ((1, 200), (1, 503), (0, 200)):
                environ = {"QUEUED_AT": f"{time.time() - waited:.3f}"}
                response = self.client.get("/livez", environ_overrides=environ)
                self.assertEqual(response.status_code, status)
                of_nginx.close()

    def test_the_watchdog_sees_a_request_while_it_runs(self) -> None:
        headers = {"X-Request-ID": "Abc-123._"}
        response = self.client.get("/running", headers=headers)
        self.assertEqual(response.get_json(), ["Abc-123._"])
        self.assertEqual(watchdog.running, {})

    def test_the_request_id_is_returned(self) -> None:
        response = self.client.get("/livez", headers={"X-Request-ID": "Abc-123._"})
        self.assertEqual(response.headers["X-Request-ID"], "Abc-123._")

    def test_a_trace_is_continued_or_begun_with_the_id_of_nginx(self) -> None:
        headers = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01", "tracestate": "a=1"}
        continued = self.client.get("/trace", headers=headers)
        self.assertEqual(continued.get_json(), ["1" * 32, "01", "a=1"])
        begun = self.client.get("/trace", environ_overrides={"TRACE_ID": "3" * 32})
        self.assertEqual(begun.get_json(), ["3" * 32, "00", ""])

    def test_requests_are_measured_by_method_route_and_status(self) -> None:
        labels = {"method": "GET", "route": "/livez", "status": "200"}
        before, seconds = measured(**labels), measured("sum", **labels)
        with mock.patch("main.util.web.middleware.perf_counter", side_effect=(100.0, 100.25)):
            self.client.get("/livez")
        self.assertEqual(measured(**labels), before + 1)
        self.assertAlmostEqual(measured("sum", **labels), seconds + 0.25)

    def test_callers_cannot_create_label_values(self) -> None:
        labels = {"method": "_OTHER", "route": "unmatched", "status": "404"}
        before = measured(**labels)
        for path in ("/a", "/b"):
            self.client.open(path, method="BREW")
        self.assertEqual(measured(**labels), before + 2)
