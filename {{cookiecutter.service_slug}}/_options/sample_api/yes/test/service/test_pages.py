"""Pages."""

import threading
import unittest
from typing import Any
from unittest import mock

import requests
import responses

from main.service import pages
from main.service.pages import Page, fetch_all


class TestPages(unittest.TestCase):
    """All are fetched at once; each failure is a page of its own."""

    @responses.activate
    def test_pages_come_in_the_order_of_the_addresses(self) -> None:
        urls = [f"http://{name}.test/" for name in "abc"]
        for size, url in enumerate(urls):
            responses.get(url, body=b"x" * size)
        self.assertEqual(fetch_all(urls), [Page(url, size) for size, url in enumerate(urls)])

    @responses.activate
    def test_a_failure_is_a_page_with_a_reason(self) -> None:
        responses.get("http://slow.test/", body=requests.ReadTimeout("slow"))
        (page,) = fetch_all(["http://slow.test/"])
        self.assertIsNone(page.bytes)
        self.assertIn("did not answer in time", page.error or "")

    @responses.activate
    def test_what_is_not_there_in_time_is_told(self) -> None:
        release = threading.Event()
        self.addCleanup(release.set)

        def wait(_: Any) -> tuple[int, dict[str, str], str]:
            release.wait(10)
            return 200, {}, ""

        responses.add_callback("GET", "http://hangs.test/", callback=wait)
        with mock.patch.object(pages, "TIMEOUT", 0.05):
            (page,) = fetch_all(["http://hangs.test/"])
        self.assertEqual(page, Page("http://hangs.test/", error="It took too long."))
        release.set()

    def test_without_addresses_there_are_no_pages(self) -> None:
        self.assertEqual(fetch_all([]), [])
