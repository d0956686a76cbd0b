"""Wait for conditions instead of sleeping; find free ports."""

import contextlib
import itertools
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

# Linux gives ports below 32768 to no outgoing connection, of which some tests make thousands. Each
# worker of pytest-xdist has a range of its own, and takes a port again only after all others. So no
# test gets a port that another is about to listen on. A run within a test has those of its worker.
PORTS_OF_A_WORKER = 1500
_worker = os.environ.get("PYTEST_XDIST_WORKER", os.environ.get("PORTS_OF", "gw7"))
os.environ["PORTS_OF"] = _worker
_first_port = 20_000 + int(_worker.removeprefix("gw")) % 8 * PORTS_OF_A_WORKER
_candidates = itertools.cycle(
    random.SystemRandom().sample(
        range(_first_port, _first_port + PORTS_OF_A_WORKER), PORTS_OF_A_WORKER
    )
)


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
    """Return `count` loopback ports that nothing listens on."""
    return list(itertools.islice(filter(_is_free, _candidates), count))


def _is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_server((HOST, port)):
        return True
    return False


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
