"""Wait for conditions instead of sleeping; find free ports."""

import contextlib
import socket
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

HOST = "127.0.0.1"
# Seconds. Long enough for a busy machine with two cores.
TIMEOUT = 30.0
POLL_INTERVAL = 0.01


def wait_until(condition: Callable[[], T], timeout: float = TIMEOUT) -> T:
    """Return the first true result of `condition`.

    Raises `AssertionError` after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        assert time.monotonic() < deadline, f"condition not met within {timeout} seconds"
        time.sleep(POLL_INTERVAL)
    return result


def free_ports(count: int) -> list[int]:
    """Return `count` loopback ports that nothing listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server((HOST, 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in sockets]
