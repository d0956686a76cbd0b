"""Tests of GET /v1/pages."""

from typing import ClassVar

import responses

from test.case import ServiceCase

GOOD, BAD = "http://good.test/", "http://bad.test/"


class TestPages(ServiceCase):
    """GET /v1/pages fetches the configured URLs, and no others."""

    environment: ClassVar[dict[str, str]] = {"APP_UPSTREAM_URLS": f"{GOOD},{BAD}"}

    @responses.activate
    def test_a_page_that_cannot_be_fetched_has_an_error(self) -> None:
        responses.get(GOOD, body=b"four")
        responses.get(BAD, status=404)
        response = self.client.get("/v1/pages")
        self.assertEqual(response.status_code, 200)
        good, bad = response.get_json()["pages"]
        self.assertEqual(good, {"url": GOOD, "bytes": 4})
        self.assertEqual(bad["url"], BAD)
        self.assertIn("refused", bad["error"])

    def test_callers_cannot_choose_urls(self) -> None:
        self.assert_problem(self.client.post("/v1/pages", json={"url": "http://evil.test"}), 405)


class TestWithoutURLs(ServiceCase):
    """APP_UPSTREAM_URLS is empty by default."""

    def test_there_are_no_pages(self) -> None:
        self.assertEqual(self.client.get("/v1/pages").get_json(), {"pages": []})
