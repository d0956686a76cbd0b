"""Tests of the pages."""

import threading
from typing import Any
from unittest import mock

import requests
import responses

from main.service import pages
from main.service.pages import Page, fetch_all
from test.case import IsolatedCase

URL = "http://upstream.test/"


class TestFetchAll(IsolatedCase):
    @responses.activate
    def test_pages_are_in_the_order_of_the_urls(self) -> None:
        urls = [f"http://{name}.test/" for name in "abc"]
        for size, url in enumerate(urls):
            responses.get(url, body=b"x" * size)
        self.assertEqual(fetch_all(urls), [Page(url, size) for size, url in enumerate(urls)])

    @responses.activate
    def test_a_query_is_sent_but_not_shown(self) -> None:
        responses.get(f"{URL}?token=secret", body=b"four")
        self.assertEqual(fetch_all([f"{URL}?token=secret"]), [Page(URL, 4)])

    @responses.activate
    def test_a_failure_is_an_error_of_its_page(self) -> None:
        responses.get(URL, body=requests.ReadTimeout("late"))
        self.assertEqual(
            fetch_all([f"{URL}?token=secret"]),
            [Page(URL, error="An upstream service did not respond in time.")],
        )

    @responses.activate
    def test_a_page_that_does_not_arrive_in_time_has_an_error(self) -> None:
        release = threading.Event()
        self.addCleanup(release.set)

        def wait(_: Any) -> tuple[int, dict[str, str], str]:
            release.wait(10)
            return 200, {}, ""

        responses.add_callback("GET", URL, callback=wait)
        with mock.patch.object(pages, "TIMEOUT", 0.05):
            self.assertEqual(fetch_all([f"{URL}?a"]), [Page(URL, error="Timed out.")])
        release.set()

    def test_without_urls_there_are_no_pages(self) -> None:
        self.assertEqual(fetch_all([]), [])
