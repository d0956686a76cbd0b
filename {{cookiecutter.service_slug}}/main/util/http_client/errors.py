"""Errors of upstreams, and what our own caller gets for each.

    UpstreamError             502  base class
    ├── UpstreamTimeout       504  it did not respond in time
    ├── UpstreamUnavailable   503  it cannot be reached, or asks us to try again later
    ├── UpstreamRejected      502  it responded with an error, or redirected to another origin
    └── UpstreamInvalid       502  its response cannot be read or is too large

Our own mistakes, such as an invalid header, are raised as the `ValueError` of requests.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import requests
from requests.exceptions import InvalidHeader, InvalidURL
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError


class UpstreamError(Exception):
    """A call of an upstream failed; `status` and `summary` are for our own caller.

    `upstream_status` is the status of the response, `retry_after` how many seconds it asks us to
    wait.
    """

    status: ClassVar[int] = 502
    summary: ClassVar[str] = "An upstream service failed."

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
    """Raise errors of requests and urllib3 as an `UpstreamError`.

    Its text is that of the root cause. Texts further up the chain contain the query, which may
    contain credentials.
    """
    handled = sys.exception()
    try:
        yield
    except (InvalidHeader, InvalidURL):
        raise
    except (requests.ReadTimeout, ReadTimeoutError, TimeoutError) as error:
        raise UpstreamTimeout(_root_cause(error, handled)) from None
    except DecodeError as error:
        raise UpstreamInvalid(_root_cause(error, handled)) from None
    except (requests.RequestException, HTTPError, OSError) as error:
        raise UpstreamUnavailable(_root_cause(error, handled)) from None


def _root_cause(error: BaseException, handled: BaseException | None) -> str:
    """Return the text of the first error that was raised since the one that our caller handles."""
    while error.__context__ not in (None, handled):
        error = error.__context__
    return f"{type(error).__name__}: {error}"
