"""One client behind a proxy sends more than its share.

With CLIENT_CONNECTIONS or CLIENT_RATE it is refused, and other clients of the same proxy are not.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.fakes.upstream import GatedUpstream
from harness.http import Response
from harness.problem import assert_problem
from harness.stack import StackType
from harness.waiting import HOST, wait_until

GREEDY = {"X-Forwarded-For": "192.0.2.1"}
MODEST = {"X-Forwarded-For": "192.0.2.2"}
LIMIT = 2


def assert_refused(response: Response) -> None:
    """Assert that the response asks the client to come back later."""
    assert_problem(response, 429)
    assert response.headers["Retry-After"] == "1"


def test_the_connections_of_a_client_are_limited(
    stack_type: StackType,
    project: Path,
    gated_upstream: GatedUpstream,
    executor: ThreadPoolExecutor,
) -> None:
    """Two of its requests are waiting, so that the third is refused."""
    settings = {"TRUSTED_PROXIES": HOST, "APP_UPSTREAM_URLS": gated_upstream.url}
    with stack_type(project, CLIENT_CONNECTIONS=str(LIMIT), **settings) as stack:
        calls = [executor.submit(stack.get, "/v1/pages", GREEDY) for _ in range(LIMIT)]
        wait_until(lambda: len(gated_upstream.requests) == LIMIT)
        assert_refused(stack.get("/v1/hello", GREEDY))
        assert stack.get("/v1/hello", MODEST).status == 200
        gated_upstream.gate.set()
        assert {call.result().status for call in calls} == {200}
        wait_until(lambda: stack.get("/v1/hello", GREEDY).status == 200)


def test_the_rate_of_a_client_is_limited(stack_type: StackType, project: Path) -> None:
    """A burst of a second's worth is admitted."""
    with stack_type(project, TRUSTED_PROXIES=HOST, CLIENT_RATE=str(LIMIT)) as stack:
        responses = [stack.get("/v1/hello", GREEDY) for _ in range(20)]
        assert responses[0].status == 200
        assert_refused(responses[-1])
        assert stack.get("/v1/hello", MODEST).status == 200
        wait_until(lambda: stack.get("/v1/hello", GREEDY).status == 200)
        assert stack.get("/readyz", GREEDY).status == 200
