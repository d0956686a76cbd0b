"""Servers that services cache in: real ones, on free ports of this machine."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bakery import require
from tests.stack import HOST, free_ports, until

# The program and what it is told, as in docker-compose.yml; then where it listens.
COMMANDS = {
    "memcached": ("memcached", "--memory-limit={size}"),
    "redis": (
        *("redis-server", "--save", "", "--maxmemory", "{size}mb"),
        *("--maxmemory-policy", "allkeys-lru", "--protected-mode", "no"),
    ),
}
PLACES = {
    "memcached": (f"--listen={HOST}", "--port={port}", "--user=nobody"),
    "redis": ("--bind", HOST, "--port", "{port}"),
}


class Server:
    """A context in which a cache server runs; `size` is in megabytes."""

    def __init__(self, kind: str, size: int = 64) -> None:
        (self.port,) = free_ports(1)
        program, *rest = (*COMMANDS[kind], *PLACES[kind])
        arguments = [part.format(port=self.port, size=size) for part in rest]
        self.command = [require(program), *arguments]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Return host:port."""
        return f"{HOST}:{self.port}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        assert self.process is None
        self.process = subprocess.Popen(
            self.command,
            cwd=tempfile.gettempdir(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._listens)

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, " ".join(self.command)
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
            return True
        return False

    def kill(self) -> None:
        """End it at once, if it runs; what it held is lost."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it accept connections, and never answer."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)

    def ask(self, command: str, end: bytes) -> str:
        """Return what it answers to a command, up to the end."""
        with socket.create_connection((HOST, self.port), 5) as connection:
            connection.sendall(f"{command}\r\n".encode())
            answer = b""
            while end not in answer:
                answer += connection.recv(65536)
        return answer.decode()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()


def settings(backend: str, servers: list[Server], folder: Path) -> dict[str, str]:
    """Return the variables that tell a service of its store."""
    addresses = ",".join(server.address for server in servers)
    return {
        "memory": {},
        "uwsgi": {},
        "file": {"APP_CACHE_DIR": str(folder)},
        "memcached": {"APP_CACHE_SERVERS": addresses},
        "redis": {"APP_CACHE_URL": f"redis://{addresses}/0"},
    }[backend]
