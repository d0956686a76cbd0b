"""Run a rendered service's whole stack on free ports, talk to it, read its log, stop it."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import psutil

T = TypeVar("T")

HOST = "127.0.0.1"
PATIENCE = 30.0


def until(condition: Callable[[], T], seconds: float = PATIENCE) -> T:
    """Return what the condition returns as soon as that is true; fail when it takes too long."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} seconds"
        time.sleep(0.01)
    return result


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server((HOST, 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in sockets]


def environment(project: Path, **variables: str) -> dict[str, str]:
    """Return the variables of a process that runs in the project's own environment."""
    ours = ("APP_", "COV_", "MAKE", "MFLAGS", "PYTEST_", "VIRTUAL_ENV")
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(ours)}
    path = os.pathsep.join((str(project / ".venv" / "bin"), os.environ["PATH"]))
    return {**inherited, "PATH": path, **variables}


def altered(project: Path, destination: Path, name: str, changes: Mapping[str, str]) -> Path:
    """Copy the project with texts in one file replaced, as its team might have done."""
    shutil.copytree(project, destination, symlinks=True)
    text = (destination / name).read_text("utf-8")
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (destination / name).write_text(text, "utf-8")
    return destination


@dataclass(frozen=True)
class Answer:
    """What was answered to a request."""

    status: int
    headers: Message
    body: bytes

    @classmethod
    def parsed(cls, response: bytes) -> Self:
        """Return the answer that these bytes are."""
        head, _, body = response.partition(b"\r\n\r\n")
        first, _, fields = head.decode("latin-1").partition("\r\n")
        return cls(int(first.split()[1]), Parser().parsestr(fields, headersonly=True), body)

    def json(self) -> Any:
        """Return what the body says."""
        return json.loads(self.body)


class Service:
    """A service that listens on two ports of this machine."""

    def __init__(self) -> None:
        self.port, self.ops_port = free_ports(2)

    @property
    def url(self) -> str:
        """Return the public address."""
        return f"http://{HOST}:{self.port}"

    def call(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        port: int | None = None,
    ) -> Answer:
        """Make a request on a connection of its own."""
        connection = HTTPConnection(HOST, port or self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """GET from the public port."""
        return self.call("GET", path, None, headers)

    def post(self, path: str, body: object) -> Answer:
        """POST a value as JSON to the public port."""
        return self.call("POST", path, json.dumps(body), {"Content-Type": "application/json"})

    def ops(self, path: str) -> Answer:
        """GET from the operations port."""
        return self.call("GET", path, port=self.ops_port)

    def raw(self, request: bytes) -> bytes:
        """Send bytes as they are; return what comes back until the connection ends."""
        with socket.create_connection((HOST, self.port), PATIENCE) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def count(self, route: str) -> float:
        """Return how many requests to the route the metrics tell of."""
        text = self.ops("/metrics").body.decode()
        samples = re.findall(r"^http_request_duration_seconds_count\{(.*)\} (\S+)$", text, re.M)
        return sum(float(value) for labels, value in samples if f'route="{route}"' in labels)


class Stack(Service):
    """A context in which a project's entry point runs, and is ready to answer.

    `arguments` are the entry point's, `variables` go to its environment, `ready` is the path
    that answers 200 when it has started (none: return at once), `interpreter` is the command
    that runs it (none: what its first line says).
    """

    def __init__(
        self,
        project: Path,
        *arguments: str,
        ready: str = "/readyz",
        interpreter: str = "",
        **variables: str,
    ) -> None:
        super().__init__()
        self.project = project
        self.command = [*interpreter.split(), str(project / "deploy" / "entrypoint.sh"), *arguments]
        self.ready = ready
        self.folder = Path(tempfile.mkdtemp(prefix="stack-"))
        self.run_dir = Path(variables.get("RUN_DIR", self.folder / "run"))
        self.output = self.folder / "output"
        self.processes_wanted = int(variables.get("UWSGI_PROCESSES", "2"))
        ports = {"PORT": str(self.port), "OPS_PORT": str(self.ops_port)}
        given = {**ports, "RUN_DIR": str(self.run_dir), **variables}
        self.variables = environment(project, **given)

    def __enter__(self) -> Self:
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd="/",
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # All that it starts can be found by its session.
                start_new_session=True,
            )
        try:
            if self.ready:
                until(self._is_ready)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE)
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.folder)

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, self.output.read_text("utf-8")
        try:
            return self.get(self.ready).status == 200
        except OSError:
            return False

    def stop(self) -> int:
        """Ask the stack to stop and return its exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def kill(self, number: int, pids: Iterable[int]) -> None:
        """Send a signal to processes of the stack."""
        for pid in pids:
            os.kill(pid, number)

    def processes(self) -> list[psutil.Process]:
        """Return the processes that run, the entry point's among them."""
        found = []
        for process in psutil.process_iter(["status"]):
            with contextlib.suppress(ProcessLookupError):
                ours = os.getsid(process.pid) == self.process.pid
                if ours and process.info["status"] != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def pids(self) -> list[int]:
        """Return their ids."""
        return [process.pid for process in self.processes()]

    def nginx(self) -> int:
        """Return the process id of nginx's master."""
        return int((self.run_dir / "nginx.pid").read_text())

    def uwsgi(self) -> int:
        """Return the process id of uWSGI's master."""
        return self._said(r"spawned uWSGI master process \(pid: (\d+)\)", 1)[-1]

    def workers(self) -> list[int]:
        """Return the process ids of the workers that uWSGI started, the dead among them."""
        return self._said(r"pawned uWSGI worker \d+ \((?:new )?pid: (\d+)", self.processes_wanted)

    def _said(self, pattern: str, least: int) -> list[int]:
        """Return the ids that were logged; the log may be later than the first answer."""

        def found() -> list[int]:
            pids = re.findall(pattern, self.output.read_text("utf-8"))
            return [int(pid) for pid in pids] if len(pids) >= least else []

        return until(found)

    def lines(self, **fields: object) -> list[dict[str, Any]]:
        """Return the lines of the log that have these fields; every line must be an object."""
        found = []
        whole, _, _ = self.output.read_bytes().rpartition(b"\n")
        for text in whole.splitlines():
            line = json.loads(text)
            assert isinstance(line, dict), text
            if fields.items() <= line.items():
                found.append(line)
        return found

    def logged(self, **fields: object) -> dict[str, Any]:
        """Wait for a line that has these fields and return it."""
        return until(lambda: self.lines(**fields))[0]
