from unittest import mock

from requests.exceptions import InvalidHeader, ReadTimeout

from main.util.http_client import UpstreamRejected, UpstreamTimeout
from test.util.http_client.case import BASE, ClientCase


class TestObservation(ClientCase):
    def test_each_call_is_logged_and_observed_without_its_query(self) -> None:
        observer = mock.Mock()
        patch = mock.patch("main.util.http_client.client.call_observers", [observer])
        patch.start()
        self.addCleanup(patch.stop)
        self.respond(503, 200)
        self.upstream.get(f"{BASE}/gone", status=410)
        self.upstream.get(f"{BASE}/late", body=ReadTimeout())
        with self.assertLogs("main.util.http_client", "INFO") as logs:
            self.client.request("get", params={"q": "1"})
            self.assert_fails(UpstreamRejected, path="gone", params={"q": "1"})
            self.assert_fails(UpstreamTimeout, path="late")
            with self.assertRaises(InvalidHeader):
                self.client.get(headers={"A": "\n"})
        calls = [("/api", 200), ("/api/gone", 410), ("/api/late", "upstreamtimeout")]
        for (path, status), record, call in zip(
            [*calls, ("/api", "error")], logs.records, observer.mock_calls, strict=True
        ):
            fields = vars(record)
            self.assertEqual((record.msg, fields["path"]), ("upstream.called", path))
            self.assertEqual((fields["method"], fields["status"]), ("GET", status))
            self.assertEqual(call.args[:3], ("upstream.test", "GET", str(status)))
            self.assertTrue(0 <= fields["seconds"] < 1 and 0 < call.args[3] < 1)
            self.assertEqual(fields["upstream"], "upstream.test")
