"""Build a rendered service's image, and run it as `Stack` runs the service on this machine."""

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

import pytest

from tests.bakery import require
from tests.stack import PATIENCE, Stack

# As docker-compose.yml and deploy/k8s have it, with the least memory that is promised.
LEAST_PRIVILEGE = (
    *("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"),  # noqa: S108
    *("--security-opt", "no-new-privileges", "--pids-limit", "256"),
    *("--memory", "128m", "--memory-swap", "128m"),
)


@functools.cache
def _engine() -> str | None:
    for name in ("docker", "podman"):
        found = shutil.which(name)
        if found and not subprocess.run([found, "info"], capture_output=True).returncode:
            return found
    return None


def engine() -> str:
    """Return the path of a container engine that works here; see `require` for what if none does.

    NO_CONTAINERS in the environment says why a machine can have none, and skips instead.
    """
    if reason := os.environ.get("NO_CONTAINERS"):
        pytest.skip(f"no containers: {reason}")
    if sys.platform != "linux":
        pytest.skip("containers share the network with the tests, which is for Linux only")
    return _engine() or require("podman")


def variables() -> dict[str, str]:
    """Return the environment of the engine: podman is to build as it runs, and for docker."""
    runtime = {"BUILDAH_RUNTIME": "runc"} if shutil.which("runc") else {}
    return {**os.environ, "BUILDAH_FORMAT": "docker", **runtime}


def run(*words: str, check: bool = True) -> str:
    """Run the engine with these words and return what it printed."""
    done = subprocess.run(
        [engine(), *words],
        env=variables(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert not check or done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def inspect(name: str, kind: str = "container") -> dict[str, Any]:
    """Return what the engine tells of a container or an image; nothing if there is none."""
    told = json.loads(run("inspect", "--type", kind, name, check=False) or "[]")
    return told[0] if told else {}


def has_image(name: str) -> bool:
    """Tell whether an image is here or can be had from a registry."""
    if not inspect(name, "image"):
        run("pull", "--quiet", name, check=False)
    return bool(inspect(name, "image"))


@functools.cache
def image(project: Path) -> str:
    """Return the name of the image that the project's own Dockerfile makes.

    It is removed at the end; the layers stay as long as the engine likes to keep them.
    """
    name = f"localhost/test-{uuid.uuid4().hex[:12]}"
    run("build", "--quiet", "--network", "host", "--tag", name, str(project))
    atexit.register(run, "rmi", "--force", name, check=False)
    return name


class Container(Stack):
    """A context in which the image of a project runs, with the least that it needs.

    It shares the machine's network: ports are those of the loopback, as without a container.
    """

    options: ClassVar[tuple[str, ...]] = LEAST_PRIVILEGE

    def __init__(
        self, project: Path, *arguments: str, ready: str = "/readyz", **variables: str
    ) -> None:
        super().__init__(project, *arguments, ready=ready, **variables)
        self.name = f"test-{uuid.uuid4().hex[:12]}"
        self.run_dir.mkdir(exist_ok=True)
        self.run_dir.chmod(0o777)  # for the image's own user
        given = {
            "PORT": str(self.port),
            "OPS_PORT": str(self.ops_port),
            "RUN_DIR": str(self.run_dir),
            **variables,
        }
        self.command = [
            *(engine(), "run", "--rm", "--name", self.name, "--network", "host"),
            *("--no-healthcheck", *self.options, "--volume", f"{self.run_dir}:{self.run_dir}"),
            *(part for name, text in given.items() for part in ("--env", f"{name}={text}")),
            *(image(project), *arguments),
        ]
        self.variables = dict(os.environ)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        run("rm", "--force", "--time", "0", self.name, check=False)
        super().__exit__(kind, error, traceback)

    def stop(self) -> int:
        """Have the engine stop it, and return its exit status."""
        run("stop", "--time", str(int(PATIENCE)), self.name, check=False)
        return self.process.wait(PATIENCE)

    def kill(self, number: int, pids: Iterable[int]) -> None:
        """Send a signal to processes within."""
        self.execute("kill", f"-{number}", *map(str, pids))

    def pids(self) -> list[int]:
        """Return the ids that processes have within; none if it does not run."""
        shown = run("exec", self.name, "ps", "-o", "pid", check=False)
        return [int(line) for line in shown.splitlines() if line.strip().isdigit()]

    def execute(self, *words: str) -> str:
        """Return what a command prints that runs within."""
        return run("exec", self.name, *words)
