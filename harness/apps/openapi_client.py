"""Call every operation of a service through its generated client; print a summary."""

import json
import sys

from service_client import AuthenticatedClient
from service_client.api.health import get_livez, get_readyz
from service_client.api.hello import get_v1_hello
from service_client.api.pages import get_v1_pages
from service_client.api.primes import post_v1_primes
from service_client.models import (
    HelloResponse,
    Liveness,
    PagesResponse,
    PrimesRequest,
    PrimesResponse,
    Problem,
    Readiness,
)
from service_client.types import Unset


def main(url: str, token: str) -> None:
    """Call the service at `url`, with a token that it may require."""
    with AuthenticatedClient(base_url=url, token=token) as client:
        live = get_livez.sync(client=client)
        ready = get_readyz.sync(client=client)
        hello = get_v1_hello.sync(client=client, name="Zoë")
        pages = get_v1_pages.sync(client=client)
        primes = post_v1_primes.sync(client=client, body=PrimesRequest(numbers=[7, 9]))
        refused = post_v1_primes.sync(client=client, body=PrimesRequest(numbers=[-1]))
    # These also narrow the types: a call returns its response or a problem.
    assert isinstance(live, Liveness)
    assert isinstance(ready, Readiness)
    assert isinstance(hello, HelloResponse)
    assert isinstance(pages, PagesResponse)
    assert isinstance(primes, PrimesResponse)
    assert isinstance(refused, Problem)
    assert not isinstance(refused.errors, Unset)
    summary = {
        "live": live.status,
        "ready": ready.status,
        "message": hello.message,
        "bytes": [None if isinstance(page.bytes_, Unset) else page.bytes_ for page in pages.pages],
        "factors": [each.number if each.prime else each.factor for each in primes.numbers],
        "refused": [refused.status, refused.title, list(refused.errors.additional_properties)],
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main(*sys.argv[1:])
