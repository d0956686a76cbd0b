"""Run a rendered service's docker-compose.yml, and keep podman's health checks going."""

import contextlib
import json
import re
import shutil
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests import container
from tests.bakery import require, run
from tests.stack import Service, until

PROGRAMS = {"memcached": ["memcached"], "redis": ["redis-server", "redis-cli"]}


def provide_server(backend: str, name: str) -> None:
    """See that there is an image of this name with a cache server in it.

    Where no registry answers it is made of this machine's own program and libraries.
    """
    if container.has_image(name):
        return
    with tempfile.TemporaryDirectory() as folder:
        for program in PROGRAMS[backend]:
            found = Path(require(program)).resolve()
            linked = subprocess.run(["ldd", found], capture_output=True, text=True, check=True)
            for file in re.findall(r"(/\S+) \(0x", linked.stdout):
                copy = Path(folder, "root", file.lstrip("/"))
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, copy)
            place = Path(folder, "root", "usr", "bin", program)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(found, place)
        lines = ["FROM docker.io/library/alpine:3.23", "COPY root /", "USER 11211"]
        Path(folder, "Dockerfile").write_text("\n".join(lines), "utf-8")
        container.run("build", "--quiet", "--network", "none", "--tag", name, folder)


@contextlib.contextmanager
def socket_of_engine() -> Iterator[dict[str, str]]:
    """Yield the variables by which docker's own client finds the engine."""
    engine = container.engine()
    if Path(engine).name == "docker":
        yield {}
        return
    with tempfile.TemporaryDirectory() as folder:
        address = f"unix://{folder}/podman.sock"
        service = subprocess.Popen(
            [engine, "system", "service", "--time", "0", address],
            env=container.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until(Path(folder, "podman.sock").exists)
            # Building by buildkit is what podman cannot.
            yield {"DOCKER_HOST": address, "DOCKER_BUILDKIT": "0"}
        finally:
            service.terminate()
            service.wait()


class Compose(Service):
    """A context for `docker compose` in a project; in the end it leaves no container behind."""

    def __init__(self, project: Path, **variables: str) -> None:
        super().__init__()
        self.project = project
        ports = {"PORT": str(self.port), "OPS_PORT": str(self.ops_port)}
        self.image = f"test-{uuid.uuid4().hex[:12]}"
        self.variables = {**ports, "IMAGE": self.image, **variables}
        self.stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self.variables |= self.stack.enter_context(socket_of_engine())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self.stack:
            self("down", "--volumes", "--timeout", "45")
            container.run("rmi", "--force", self.image, check=False)

    def __call__(self, *words: str) -> str:
        """Run `docker compose` with these words and return what it printed."""
        return run(self.project, require("docker-compose"), *words, **self.variables)

    def up(self) -> None:
        """Do what `make up` does; where nothing calls podman's health checks, do that, too."""
        done = threading.Event()
        beat = threading.Thread(target=self._check_health, args=[done])
        beat.start()
        try:
            self("up", "--build", "--detach", "--wait", "--wait-timeout", "60")
        finally:
            done.set()
            beat.join()

    def _check_health(self, done: threading.Event) -> None:
        if Path(container.engine()).name == "docker" or Path("/run/systemd/system").exists():
            return
        while not done.wait(0.5):
            ours = f"label=com.docker.compose.project.working_dir={self.project}"
            for each in container.run("ps", "--quiet", "--filter", ours).split():
                container.run("healthcheck", "run", each, check=False)

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return what the engine tells of each container, by the service's name in the file."""
        ids = self("ps", "--quiet").split()
        told = json.loads(container.run("inspect", *ids)) if ids else []
        return {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in told}
