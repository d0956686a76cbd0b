"""Wait for conditions instead of sleeping; find free ports."""

import contextlib
import os
import random
import socket
import sys
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

HOST = "127.0.0.1"
# Seconds. Long enough for a busy machine with two cores.
TIMEOUT = 30.0
POLL_INTERVAL = 0.01


def wait_until(condition: Callable[[], T | None], timeout: float = TIMEOUT) -> T:
    """Return the first true result of `condition`.

    Raises `AssertionError` after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        assert time.monotonic() < deadline, f"condition not met within {timeout} seconds"
        time.sleep(POLL_INTERVAL)
    return result


def free_ports(count: int) -> list[int]:
    """Return `count` loopback ports that nothing listens on.

    Linux gives none of them to outgoing connections, of which some tests make thousands.
    """
    ports: list[int] = []
    with contextlib.ExitStack() as stack:
        for port in random.SystemRandom().sample(range(20_000, 32_768), 1000):
            with contextlib.suppress(OSError):
                stack.enter_context(socket.create_server((HOST, port)))
                ports.append(port)
            if len(ports) == count:
                break
    return ports


def choose_port(variable: str, default: int) -> int:
    """Return the port in the variable; if it is not set, `default` or else any free port."""
    wanted = os.environ.get(variable, "")
    if wanted and not (wanted.isascii() and wanted.isdigit() and 0 < int(wanted) < 65536):
        sys.exit(f"{variable} must be a port from 1 to 65535; got {wanted!r}.")
    for port in [int(wanted)] if wanted else [default, 0]:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("", port))
            return int(probe.getsockname()[1])
    sys.exit(f"Port {wanted} is in use: set {variable} to a free one.")
