"""nginx keeps responses that the application marks as public."""

import contextlib
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.http import Response
from harness.stack import Stack, StackType
from harness.waiting import wait_until


@pytest.fixture
def caching_stack(stack_type: StackType, project: Path) -> Iterator[Stack]:
    """Run a service whose greetings stay cached for the whole test."""
    with stack_type(project, APP_HELLO_MAX_AGE="60") as running:
        yield running


def cache_status(stack: Stack, response: Response) -> str:
    """Return the cache status that nginx logged for a response."""
    request_id = response.headers["X-Request-ID"]
    return str(stack.log.wait_for_line(logger="nginx", request_id=request_id)["cache"])


def test_equal_requests_share_a_cached_response(caching_stack: Stack) -> None:
    """Requests with another method, query or with credentials do not get it."""
    stack = caching_stack
    first = stack.get("/v1/hello")
    # nginx logs a request when its response is in the cache.
    assert cache_status(stack, first) == "MISS"
    second = stack.get("/v1/hello")
    assert first.body == second.body
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]
    assert len(second.headers.get_all("X-Request-ID", [])) == 1
    assert cache_status(stack, second) == "HIT"
    assert stack.request_count("/v1/hello") == 1
    for headers in ({"Authorization": "0"}, {"Cookie": "0"}):
        assert cache_status(stack, stack.get("/v1/hello", headers)) == "BYPASS"
    assert stack.call("HEAD", "/v1/hello").body == b""
    assert stack.get("/v1/hello").body == first.body
    assert cache_status(stack, stack.get("/v1/hello?name=Bob")) == "MISS"
    assert stack.request_count("/v1/hello") == 5


def test_responses_to_requests_with_credentials_are_not_stored(caching_stack: Stack) -> None:
    """A later request without credentials is a miss."""
    personal = caching_stack.get("/v1/hello", {"Authorization": "Bearer x"})
    # nginx logs a request when its response is in the cache.
    assert cache_status(caching_stack, personal) == "BYPASS"
    assert cache_status(caching_stack, caching_stack.get("/v1/hello")) == "MISS"


def test_responses_that_are_not_public_are_not_stored(stack_type: StackType, project: Path) -> None:
    """Every request reaches the application."""
    with stack_type(project, APP_HELLO_MAX_AGE="0") as stack:
        for _ in range(3):
            assert stack.get("/v1/hello").headers["Cache-Control"] == "no-store"
        assert stack.request_count("/v1/hello") == 3
        for _ in range(3):
            stack.get("/v1/pages")
        assert stack.request_count("/v1/pages") == 3


def test_one_client_renews_an_expired_response(
    stack_type: StackType, project: Path, executor: ThreadPoolExecutor
) -> None:
    """The others get the stale response at once."""
    with stack_type(project, APP_HELLO_MAX_AGE="1") as stack:
        stack.get("/v1/hello")
        stack.kill(signal.SIGSTOP, stack.workers())
        calls: list[Future[Response]] = []

        def renewal_waits() -> bool:
            calls.append(executor.submit(stack.get, "/v1/hello"))
            with contextlib.suppress(TimeoutError):
                calls[-1].result(timeout=0.1)
            return not calls[-1].done()

        wait_until(renewal_waits)
        calls += [executor.submit(stack.get, "/v1/hello") for _ in range(16)]
        wait_until(lambda: sum(not call.done() for call in calls) == 1)
        stack.kill(signal.SIGCONT, stack.workers())
        responses = [call.result() for call in calls]
        assert {response.status for response in responses} == {200}
        request_ids = {response.headers["X-Request-ID"] for response in responses}
        assert len(request_ids) == len(responses)
        assert stack.request_count("/v1/hello") == 2
