"""Clients call /readyz far more often than the workers can answer.

The probe of another address must still succeed, so that nobody takes the service out of rotation.
"""

import contextlib
import select
import signal
import socket
from pathlib import Path

from harness.http import ServiceClient
from harness.raw_http import RESPONSE
from harness.stack import StackType
from harness.waiting import HOST, TIMEOUT, wait_until

# More than the backlog of uWSGI.
CALLS = 600
ADMITTED = 64
PROBE = "127.0.0.2"
REQUEST = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
# Connections of each of 30 addresses, and calls that each of them sends at once.
CONNECTIONS, PIPELINED = 30, 20
SEVERAL = [f"127.0.1.{number}" for number in range(30)]


def connect(service: ServiceClient, source: str) -> socket.socket:
    """Connect to the public port from an address of this machine."""
    return socket.create_connection((HOST, service.port), TIMEOUT, (source, 0))


def test_a_flood_of_readiness_checks_leaves_room_for_other_clients(
    stack_type: StackType, project: Path
) -> None:
    """The workers are stopped meanwhile, so that all calls have to wait or are refused."""
    with stack_type(project) as stack, contextlib.ExitStack() as connections:

        def call(source: str) -> socket.socket:
            client = connections.enter_context(connect(stack, source))
            client.sendall(REQUEST)
            return client

        stack.kill(signal.SIGSTOP, stack.workers())
        calls = [call(HOST) for _ in range(CALLS)]
        wait_until(lambda: len(select.select(calls, [], [], 0)[0]) >= CALLS - ADMITTED)
        probe = call(PROBE)
        stack.kill(signal.SIGCONT, stack.workers())
        assert probe.recv(12) == b"HTTP/1.1 200"


def test_a_flood_from_many_addresses_is_answered(stack_type: StackType, project: Path) -> None:
    """Their calls share a response for a second, so that none of them needs a thread."""
    with stack_type(project) as stack, contextlib.ExitStack() as connections:
        sources = SEVERAL * CONNECTIONS
        clients = [connections.enter_context(connect(stack, source)) for source in sources]
        for client in clients:
            client.sendall(REQUEST * PIPELINED)
        statuses = [status for client in clients for status in read_statuses(client, PIPELINED)]
        assert set(statuses) == {b"200"}


def read_statuses(client: socket.socket, count: int) -> list[bytes]:
    """Read so many responses; return the status of each."""
    received = b""
    while len(statuses := [match[1] for match in RESPONSE.finditer(received)]) < count:
        piece = client.recv(65536)
        assert piece
        received += piece
    return statuses
