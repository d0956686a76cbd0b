"""A client calls /readyz far more often than the workers can answer.

The probe of another address must still succeed, so that nobody takes the service out of rotation.
"""

import contextlib
import select
import signal
import socket
from pathlib import Path

from harness.stack import StackType
from harness.waiting import HOST, TIMEOUT, wait_until

# More than the backlog of uWSGI.
CALLS = 600
ADMITTED = 64
PROBE = "127.0.0.2"
REQUEST = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_flood_of_readiness_checks_leaves_room_for_other_clients(
    stack_type: StackType, project: Path
) -> None:
    """The workers are stopped meanwhile, so that all calls have to wait or are refused."""
    with stack_type(project) as stack, contextlib.ExitStack() as connections:

        def call(source: str) -> socket.socket:
            address = (HOST, stack.port)
            client = socket.create_connection(address, TIMEOUT, (source, 0))
            connections.enter_context(client).sendall(REQUEST)
            return client

        stack.kill(signal.SIGSTOP, stack.workers())
        calls = [call(HOST) for _ in range(CALLS)]
        wait_until(lambda: len(select.select(calls, [], [], 0)[0]) >= CALLS - ADMITTED)
        probe = call(PROBE)
        stack.kill(signal.SIGCONT, stack.workers())
        assert probe.recv(12) == b"HTTP/1.1 200"
