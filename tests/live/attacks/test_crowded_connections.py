"""A client opens thousands of connections whose requests never end, or asks for thousands of URLs.

/livez and /readyz must go on answering, so that nobody restarts the service, and the micro-cache
must not fill the memory.
"""

import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest

from harness.http import Response
from harness.problem import assert_problem
from harness.stack import Stack, StackType
from harness.waiting import HOST, TIMEOUT, wait_until
from tests.live.attacks.conftest import cache_size

# More than worker_connections of nginx allows, and than it admits requests.
CONNECTIONS = 4018
URLS, CLIENTS = 9000, 10
CACHE_BYTES = 16 * 2**20


def greet(stack: Stack) -> Response | None:
    """Return the response, or None if nginx has no connection left."""
    with contextlib.suppress(ConnectionError):
        return stack.get("/v1/hello")
    return None


@pytest.mark.parametrize("path", ["/v1/primes", "/docs", "/readyz"])
def test_bodies_that_never_end_leave_the_probes_alone(
    stack_type: StackType, project: Path, path: str
) -> None:
    """Beyond 512 requests at a time, the others get 429 at once; /readyz accepts no body."""
    request = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode()
    with stack_type(project, APP_HELLO_MAX_AGE="0") as stack:
        with contextlib.ExitStack() as connections:
            for _ in range(CONNECTIONS):
                client = connections.enter_context(socket.socket())
                client.settimeout(TIMEOUT)
                client.connect((HOST, stack.port))
                with contextlib.suppress(ConnectionError):
                    client.sendall(request)
            # Those that nginx has refused leave within a second.
            wait_until(lambda: stack.is_ready("/livez") and stack.is_ready("/readyz"), timeout=5)
            response = wait_until(lambda: greet(stack))
            if path != "/readyz":
                assert_problem(response, 429)
                assert response.headers["Retry-After"] == "1"
        wait_until(lambda: stack.get("/v1/hello").status == 200)


def test_distinct_urls_do_not_fill_the_memory(
    stack_type: StackType, project: Path, executor: ThreadPoolExecutor
) -> None:
    """Each of 9,000 greetings is cached for a minute; the oldest ones make room."""
    with stack_type(project, APP_HELLO_MAX_AGE="60") as stack:

        def request_many(client: int) -> set[int]:
            connection = HTTPConnection(HOST, stack.port, timeout=TIMEOUT)
            statuses = set()
            with contextlib.closing(connection):
                for number in range(client, URLS, CLIENTS):
                    connection.request("GET", f"/v1/hello?name={number}")
                    response = connection.getresponse()
                    response.read()
                    statuses.add(response.status)
            return statuses

        assert set().union(*executor.map(request_many, range(CLIENTS))) == {200}
        assert cache_size(stack) < CACHE_BYTES
        # Neither a query nor a cookie makes a copy of the files of the documentation.
        for number in range(50):
            path = f"/docs/swagger-ui-bundle.js?copy={number}"
            assert stack.get(path, {"Cookie": "a=1"}).status == 200
        assert cache_size(stack) < CACHE_BYTES
