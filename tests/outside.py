"""Stand-ins, on this machine, for what a pipeline asks outside: who knows of flaws, and Sonar."""

import hashlib
import io
import json
import tarfile
import tempfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.stack import HOST

Reply = tuple[int, bytes]


class Outside:
    """A context in which a server listens whose replies are those of `reply`."""

    def __init__(self) -> None:
        self.server = ThreadingHTTPServer((HOST, 0), _handler(self.reply))
        self.url = f"http://{HOST}:{self.server.server_port}"

    def reply(self, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        """Return the status and the body of the answer to a request."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.server.shutdown()
        self.server.server_close()


def _handler(reply: Callable[[str, bytes, dict[str, str]], Reply]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, answer = reply(self.path, body, dict(self.headers.items()))
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    return Handler


class Flaws(Outside):
    """Knows of flaws as OSV does; `known` has their ids by the name of a package.

    pip-audit asks PyPI unless its own variables name another service, as `variables` do. Real are
    pip-audit, what it reads and what it says; the flaws are made up.
    """

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, str] = {}
        self.asked: dict[str, str] = {}
        self.variables = {
            "PIP_AUDIT_VULNERABILITY_SERVICE": "osv",
            "PIP_AUDIT_OSV_URL": f"{self.url}/v1/query",
        }

    def reply(self, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        """Tell what is known of one version of a package."""
        question = json.loads(body)
        package = question["package"]
        self.asked[package["name"]] = question["version"]
        if package["name"] not in self.known:
            return 200, b"{}"
        flaw = {"id": self.known[package["name"]], "affected": [{"package": package}]}
        return 200, json.dumps({"vulns": [flaw]}).encode()


class Sonar(Outside):
    """Hands out a scanner that analyses nothing, and keeps what that was told in `received`.

    Real is pysonar: it reads the project's settings, shows its token, asks for a Java and for the
    scanner's engine, checks both and runs them. What it is given for a Java is a script.
    """

    token = "a-token-of-the-tests"  # noqa: S105

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self._told = Path(self.folder.name, "told.json")
        script = f"#!/bin/sh\nexec cat >{self._told}\n".encode()
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            entry = tarfile.TarInfo("java")
            entry.size, entry.mode = len(script), 0o755
            tar.addfile(entry, io.BytesIO(script))
        self._java = archive.getvalue()
        self._engine = b"an engine"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, traceback)
        self.folder.cleanup()

    @property
    def received(self) -> dict[str, Any]:
        """Return the properties that the engine was given."""
        told = json.loads(self._told.read_text("utf-8"))
        return {each["key"]: each["value"] for each in told["scannerProperties"]}

    def reply(self, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        """Answer whoever shows the token, as a server of version 2025.1 does."""
        if headers.get("Authorization") != f"Bearer {self.token}":
            return 401, b""
        wants_json = headers.get("Accept") == "application/json"
        match path.partition("?")[0].removeprefix("/api/v2/analysis/"):
            case "version":
                return 200, b"2025.1.0.1"
            case "jres":
                java = _described(
                    "java.tar.gz", self._java, id="1", javaPath="java", os="", arch=""
                )
                return 200, json.dumps([java]).encode()
            case "jres/1":
                return 200, self._java
            case "engine" if wants_json:
                return 200, json.dumps(_described("engine.jar", self._engine)).encode()
            case "engine":
                return 200, self._engine
        return 404, b""


def _described(name: str, content: bytes, **more: str) -> dict[str, str]:
    return {"filename": name, "sha256": hashlib.sha256(content).hexdigest(), **more}
