"""Run real cache servers on free ports of this machine."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from harness import process
from harness.requirements import require
from harness.waiting import HOST, free_ports, wait_until

# As in docker-compose.yml; a test compares them.
COMMANDS = {
    "memcached": ("memcached", "--memory-limit={size}"),
    "redis": (
        *("redis-server", "--save", "", "--maxmemory", "{size}mb"),
        *("--maxmemory-policy", "allkeys-lru", "--protected-mode", "no"),
    ),
}
LISTEN_OPTIONS = {
    # A process that changes its user would not get the signal at its parent's death.
    "memcached": (f"--listen={HOST}", "--port={port}", "--user=root"),
    "redis": ("--bind", HOST, "--port", "{port}"),
}
# How many servers a service with this store uses in the tests.
SERVER_COUNTS = {"memcached": 3, "redis": 1}
NETWORK_STORES = sorted(SERVER_COUNTS)


class CacheServer:
    """A context in which a cache server runs; `size` is in megabytes."""

    def __init__(self, kind: str, size: int = 64) -> None:
        (self.port,) = free_ports(1)
        program, *rest = (*COMMANDS[kind], *LISTEN_OPTIONS[kind])
        arguments = [part.format(port=self.port, size=size) for part in rest]
        self.command = [require(program), *arguments]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Return host:port."""
        return f"{HOST}:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it listens."""
        assert self.process is None
        self.process = process.start(
            self.command, cwd=tempfile.gettempdir(), death_signal=signal.SIGKILL
        )
        wait_until(self._listens)

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, " ".join(self.command)
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
            return True
        return False

    def kill(self) -> None:
        """Kill the server, if it runs; its entries are lost."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the process: it accepts connections and never answers."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)

    def send(self, command: str, end: bytes) -> str:
        """Send a command; return the reply up to `end`."""
        with socket.create_connection((HOST, self.port), 5) as connection:
            connection.sendall(f"{command}\r\n".encode())
            reply = b""
            while end not in reply:
                reply += connection.recv(65536)
        return reply.decode()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def cache_settings(store: str, servers: list[CacheServer], folder: Path) -> dict[str, str]:
    """Return the variables with which a service finds its store."""
    addresses = ",".join(server.address for server in servers)
    return {
        "memory": {},
        "uwsgi": {},
        "file": {"APP_CACHE_DIR": str(folder)},
        "memcached": {"APP_CACHE_SERVERS": addresses},
        "redis": {"APP_CACHE_URL": f"redis://{addresses}/0"},
    }[store]


@contextlib.contextmanager
def store_running(store: str, count: int | None = None) -> Iterator[dict[str, str]]:
    """Run the servers of a store; yield the variables with which a service finds it."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        number = SERVER_COUNTS.get(store, 0) if count is None else count
        servers = [stack.enter_context(CacheServer(store)) for _ in range(number)]
        yield cache_settings(store, servers, folder / "store")
