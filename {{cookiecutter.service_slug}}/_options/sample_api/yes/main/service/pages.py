"""Pages: fetch the configured URLs, and no others, at the same time."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from main.util.concurrency import thread_map_unordered
from main.util.http_client import Client, UpstreamError
from main.util.observability import timed

# Seconds for all pages together.
TIMEOUT = 8.0


@dataclass(frozen=True)
class Page:
    """The size of a page, or the reason why it could not be fetched.

    The URL is shown without its query, which may contain credentials.
    """

    url: str
    bytes: int | None = None
    error: str | None = None


@timed
def fetch_all(urls: Sequence[str]) -> list[Page]:
    """Fetch all URLs; a page that fails, or that does not arrive in time, has an error."""
    pages = {url: Page(url.partition("?")[0], error="Timed out.") for url in urls}
    with suppress(TimeoutError):
        for url, page in thread_map_unordered(fetch, urls, timeout=TIMEOUT):
            pages[url] = page
    return list(pages.values())


def fetch(url: str) -> Page:
    """Fetch one URL."""
    base_url, _, query = url.partition("?")
    try:
        body = client(base_url).get(params=query, into=bytes)
    except UpstreamError as error:
        return Page(base_url, error=error.summary)
    return Page(base_url, bytes=len(body))


@cache
def client(base_url: str) -> Client:
    """Return the client of an upstream; all calls share its connections."""
    return Client(base_url)
