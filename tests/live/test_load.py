"""Many clients at the same time."""

import contextlib
import signal
import socket
from collections import Counter
from pathlib import Path

from harness.stack import StackType
from harness.waiting import HOST, TIMEOUT

CLIENTS = 512
REQUEST = b"GET /v1/hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def test_512_concurrent_clients_are_all_served(stack_type: StackType, project: Path) -> None:
    """While the workers are stopped, requests queue and /livez still answers."""
    with stack_type(project, APP_HELLO_MAX_AGE="0") as stack, contextlib.ExitStack() as contexts:
        stack.kill(signal.SIGSTOP, stack.workers())
        clients = []
        for _ in range(CLIENTS):
            client = socket.create_connection((HOST, stack.port), TIMEOUT)
            clients.append(contexts.enter_context(client))
            client.sendall(REQUEST)
        assert stack.get("/livez").status == 200
        stack.kill(signal.SIGCONT, stack.workers())
        statuses = Counter(client.makefile("rb").readline().split()[1] for client in clients)
        assert statuses == {b"200": CLIENTS}
