"""Run a rendered service's docker-compose.yml."""

import contextlib
import json
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from harness import process
from harness.containers import engine
from harness.containers.image import has_image
from harness.containers.resources import resource_name, storage_lock
from harness.environment import run
from harness.http import ServiceClient
from harness.requirements import require
from harness.waiting import wait_until

PROGRAMS = {"memcached": ["memcached"], "redis": ["redis-server", "redis-cli"]}


def provide_cache_image(store: str, name: str) -> None:
    """Make sure that the cache server's image `name` exists.

    Where no registry answers, it is made of this machine's own program and libraries.
    """
    if has_image(name):
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        for program in PROGRAMS[store]:
            found = Path(require(program)).resolve()
            linked = subprocess.run(["ldd", found], capture_output=True, text=True, check=True)
            libraries = re.findall(r"(/\S+) \(0x", linked.stdout)
            for source, target in [(found, f"usr/bin/{program}"), *((f, f[1:]) for f in libraries)]:
                copy = root / target
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, copy)
        lines = ["FROM docker.io/library/alpine:3.23", "COPY root /", "USER 11211"]
        Path(folder, "Dockerfile").write_text("\n".join(lines), "utf-8")
        engine.run("build", "--quiet", "--network", "none", "--tag", name, folder)


@contextlib.contextmanager
def engine_socket() -> Iterator[dict[str, str]]:
    """Yield the variables with which docker's client finds the engine."""
    if not engine.is_podman():
        yield {}
        return
    with tempfile.TemporaryDirectory() as folder:
        address = f"unix://{folder}/podman.sock"
        command = [engine.engine(), "system", "service", "--time", "0", address]
        service = process.start(command, env=engine.variables())
        try:
            wait_until(Path(folder, "podman.sock").exists)
            # podman cannot build with BuildKit.
            yield {"DOCKER_HOST": address, "DOCKER_BUILDKIT": "0"}
        finally:
            service.terminate()
            service.wait()


class Compose(ServiceClient):
    """A context for `docker compose` in a project.

    It removes its containers, network and volume at the end. The image stays until the end of the
    run.
    """

    def __init__(self, project: Path, **variables: str) -> None:
        super().__init__()
        self.project = project
        ports = {"PORT": str(self.port), "OPS_PORT": str(self.ops_port)}
        # The names of its containers, network and volume begin with the name of the project.
        self.name = resource_name()
        names = {"COMPOSE_PROJECT_NAME": self.name, "IMAGE": f"localhost/{self.name}"}
        self.variables = {**ports, **names, **variables}
        self.stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self.variables |= self.stack.enter_context(engine_socket())
        return self

    def __exit__(self, *_: object) -> None:
        with self.stack:
            self("down", "--volumes", "--timeout", "45")

    def __call__(self, *arguments: str) -> str:
        """Run `docker compose`; return its output."""
        return run(self.project, require("docker-compose"), *arguments, **self.variables)

    def up(self) -> None:
        """Do what `make up` does."""
        started = threading.Event()
        checker = threading.Thread(target=self._run_health_checks, args=[started])
        checker.start()
        try:
            with storage_lock():
                self("up", "--build", "--detach", "--wait", "--wait-timeout", "60")
        finally:
            started.set()
            checker.join()

    def _run_health_checks(self, started: threading.Event) -> None:
        """Run the health checks of podman's containers; without systemd no timer does."""
        if not engine.is_podman() or Path("/run/systemd/system").exists():
            return
        ours = f"label=com.docker.compose.project={self.name}"
        while not started.wait(0.5):
            for container in engine.run("ps", "--quiet", "--filter", ours).split():
                engine.run("healthcheck", "run", container, check=False)

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return the engine's description of each container by its name in the compose file."""
        ids = self("ps", "--quiet").split()
        found = json.loads(engine.run("inspect", *ids)) if ids else []
        return {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in found}
