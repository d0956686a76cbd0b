"""GET /v1/pages."""

from typing import ClassVar

import responses

from test.case import ServiceCase

GOOD, BAD = "http://good.test/", "http://bad.test/"


class TestPages(ServiceCase):
    """The configured addresses are fetched, and no others."""

    environment: ClassVar[dict[str, str]] = {"APP_UPSTREAM_URLS": f"{GOOD},{BAD}"}

    @responses.activate
    def test_a_failure_is_data(self) -> None:
        responses.get(GOOD, body=b"four")
        responses.get(BAD, status=404)
        response = self.client.get("/v1/pages")
        self.assertEqual(response.status_code, 200)
        good, bad = response.get_json()["pages"]
        self.assertEqual(good, {"url": GOOD, "bytes": 4})
        self.assertEqual(bad["url"], BAD)
        self.assertIn("refused", bad["error"])

    def test_callers_have_no_say_in_it(self) -> None:
        self.assert_problem(self.client.post("/v1/pages", json={"url": "http://evil.test"}), 405)


class TestNoPages(ServiceCase):
    """Nothing is configured at first."""

    def test_there_are_none(self) -> None:
        self.assertEqual(self.client.get("/v1/pages").get_json(), {"pages": []})
