"""Errors of upstreams, and what our own caller gets for each.

    UpstreamError             502  base class
    ├── UpstreamTimeout       504  it did not respond in time
    ├── UpstreamUnavailable   503  it cannot be reached, or asks us to try again later
    ├── UpstreamRejected      502  it responded with an error, or redirected to another origin
    └── UpstreamInvalid       502  its response cannot be read or is too large

Our own mistakes, such as an invalid header, are raised as a `ValueError` before sending.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError


class UpstreamError(Exception):
    """A call of an upstream failed; `status` and `summary` are for our own caller.

    `upstream_status` is that of the response, `retry_after` how many seconds it asks us to wait.
    """

    status = 502
    summary = "An upstream service failed."

    def __init__(self, text: str, upstream_status: int | None = None, retry_after: float = 0):
        super().__init__(text)
        self.upstream_status = upstream_status
        self.retry_after = retry_after


class UpstreamTimeout(UpstreamError):
    """The upstream did not respond in time."""

    status = 504
    summary = "An upstream service did not respond in time."


class UpstreamUnavailable(UpstreamError):
    """The upstream cannot be reached, or asks us to try again later."""

    status = 503
    summary = "An upstream service is not available."


class UpstreamRejected(UpstreamError):
    """The upstream responded with an error, or redirected to another origin."""

    summary = "An upstream service refused the request."


class UpstreamInvalid(UpstreamError):
    """The response cannot be read or is too large."""

    summary = "An upstream service returned an invalid response."


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise errors of sending a request and reading its response as an `UpstreamError`."""
    try:
        yield
    except (requests.ReadTimeout, ReadTimeoutError) as error:
        raise UpstreamTimeout(repr(error)) from None
    except (DecodeError, ValueError, OverflowError) as error:
        # Only the name: the text may contain a URL with its query.
        raise UpstreamInvalid(type(error).__name__) from None
    except (requests.RequestException, HTTPError) as error:
        raise UpstreamUnavailable(repr(error)) from None
