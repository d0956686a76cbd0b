"""A fake of SonarQube that hands out a scanner engine which only records its input."""

import hashlib
import io
import json
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from harness.fakes.server import FakeHTTPService, Reply


class FakeSonarServer(FakeHTTPService):
    """Answers requests that carry `token` as SonarQube 2025.1 does.

    pysonar itself is real: it reads the project's settings, downloads a Java run-time and the
    scanner engine, verifies both and runs them. The "Java run-time" is a script that stores the
    engine's input.
    """

    token = "a-token-of-the-tests"  # noqa: S105

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self._input = Path(self.folder.name, "input.json")
        script = f"#!/bin/sh\nexec cat >{self._input}\n".encode()
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            entry = tarfile.TarInfo("java")
            entry.size, entry.mode = len(script), 0o755
            tar.addfile(entry, io.BytesIO(script))
        self._java = archive.getvalue()
        self._engine = b"engine"

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self.folder.cleanup()

    @property
    def received(self) -> dict[str, Any]:
        """Return the properties that the engine received."""
        properties = json.loads(self._input.read_text("utf-8"))["scannerProperties"]
        return {each["key"]: each["value"] for each in properties}

    def reply(self, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        """Return a version, the metadata of a download, or a download."""
        if headers.get("Authorization") != f"Bearer {self.token}":
            return 401, b""
        wants_json = headers.get("Accept") == "application/json"
        match path.partition("?")[0].removeprefix("/api/v2/analysis/"):
            case "version":
                return 200, b"2025.1.0.1"
            case "jres":
                java = _metadata("java.tar.gz", self._java, id="1", javaPath="java", os="", arch="")
                return 200, json.dumps([java]).encode()
            case "jres/1":
                return 200, self._java
            case "engine" if wants_json:
                return 200, json.dumps(_metadata("engine.jar", self._engine)).encode()
            case "engine":
                return 200, self._engine
        return 404, b""


def _metadata(name: str, content: bytes, **more: str) -> dict[str, str]:
    return {"filename": name, "sha256": hashlib.sha256(content).hexdigest(), **more}
