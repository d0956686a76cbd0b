"""HTTP client: calls of upstreams with timeouts, retries and one family of errors."""

from main.util.http_client.client import Bearer, Client, call_observers
from main.util.http_client.errors import (
    UpstreamError,
    UpstreamInvalid,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
