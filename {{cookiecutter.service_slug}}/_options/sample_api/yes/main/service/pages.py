"""Pages: fetched all at once from the configured addresses, and from no others."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from main.util.concurrency import thread_map_unordered
from main.util.http import Client, UpstreamError
from main.util.timing import timed

# Seconds for all together.
TIMEOUT = 8.0


@dataclass(frozen=True)
class Page:
    """What came of an address: the number of bytes, or the reason why there are none."""

    url: str
    bytes: int | None = None
    error: str | None = None


@timed
def fetch_all(urls: Sequence[str]) -> list[Page]:
    """Fetch all addresses; what fails, or is not there in time, is a page with an error."""
    pages = {url: Page(url, error="It took too long.") for url in urls}
    with suppress(TimeoutError):
        pages.update(thread_map_unordered(fetch, pages, timeout=TIMEOUT))
    return list(pages.values())


def fetch(url: str) -> Page:
    """Fetch one address."""
    try:
        return Page(url, bytes=len(client(url).fetch("GET")))
    except UpstreamError as error:
        return Page(url, error=error.summary)


@cache
def client(url: str) -> Client:
    """Return the one client of an address."""
    return Client(url)
