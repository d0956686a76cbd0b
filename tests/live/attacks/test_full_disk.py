"""A client fills the folder for temporary files: by slow uploads, or by reading slowly.

The requests of other users must not fail, and no worker may die: the metrics are in the same tmpfs.
"""

import contextlib
import select
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.http import JSON
from harness.problem import assert_problem
from harness.project import patched_copy
from harness.stack import Stack, StackType
from harness.waiting import HOST, TIMEOUT, wait_until

BODY = 1024 * 1024
# How many nginx admits at a time.
UPLOADS = 16
LARGE_RESPONSE = """
    app.add_url_rule("/large", view_func=lambda: "x" * 900_000)
"""


def test_slow_uploads_leave_room_for_others(
    stack_type: StackType, project: Path, executor: ThreadPoolExecutor
) -> None:
    """Seventy clients send a megabyte but for its end: only as many are admitted as fit."""
    head = f"POST /v1/primes HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY}\r\n\r\n".encode()
    with stack_type(project, APP_HELLO_MAX_AGE="0") as stack:
        with connected(stack, 70) as clients:
            for client in clients:
                client.sendall(head)
            refused = wait_until(lambda: answered(clients, 70 - UPLOADS))
            assert {client.recv(12) for client in refused} == {b"HTTP/1.1 429"}
            for client in set(clients) - set(refused):
                client.sendall(b" " * (BODY - 1))
            assert_unharmed(stack, executor)
            response = stack.call("POST", "/v1/primes", b" " * BODY, JSON)
            assert_problem(response, 429)
            assert response.headers["Retry-After"] == "1"
            # A body that fits into memory is still admitted.
            assert stack.post("/v1/primes", {"numbers": [7]}).status == 200
        body = b'{"numbers": [7]}'.ljust(BODY)
        wait_until(lambda: stack.call("POST", "/v1/primes", body, JSON).status == 200)


def test_slow_readers_leave_room_for_others(
    stack_type: StackType, project: Path, tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    """Sixty clients request a megabyte and do not read it."""
    made = '    app.extensions["scope"].make_default()\n'
    changes = {made: made + LARGE_RESPONSE}
    service = patched_copy(project, tmp_path / "service", "main/wsgi.py", changes)
    with stack_type(service, APP_HELLO_MAX_AGE="0") as stack, connected(stack, 60) as clients:
        for client in clients:
            client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: stack.request_count("/large") == 60)
        assert_unharmed(stack, executor)
        body = b'{"numbers": [7]}'.ljust(BODY)
        assert stack.call("POST", "/v1/primes", body, JSON).status == 200


@contextlib.contextmanager
def connected(stack: Stack, count: int) -> Iterator[list[socket.socket]]:
    """Yield connections whose receive buffers are small."""
    with contextlib.ExitStack() as stack_of_sockets:
        clients = []
        for _ in range(count):
            client = stack_of_sockets.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(TIMEOUT)
            client.connect((HOST, stack.port))
            clients.append(client)
        yield clients


def answered(clients: list[socket.socket], count: int) -> list[socket.socket]:
    """Return the clients that have a response, if there are so many."""
    found, _, _ = select.select(clients, [], [], 0)
    return found if len(found) == count else []


def assert_unharmed(stack: Stack, executor: ThreadPoolExecutor) -> None:
    """Assert that small requests succeed, and that no worker has died."""
    calls = [executor.submit(stack.get, "/v1/hello") for _ in range(100)]
    assert {call.result().status for call in calls} == {200}
    assert stack.get("/readyz").status == 200
    assert len(stack.workers()) == stack.worker_count
