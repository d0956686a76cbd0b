"""Run a service's image as `Stack` runs the service on this machine."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from harness.containers import engine
from harness.containers.image import build_image
from harness.containers.resources import resource_name
from harness.stack import Stack
from harness.waiting import TIMEOUT

# As in docker-compose.yml and deploy/k8s, with the least memory that README.md promises.
LEAST_PRIVILEGE = (
    *("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"),  # noqa: S108
    *("--security-opt", "no-new-privileges", "--pids-limit", "256"),
    *("--memory", "128m", "--memory-swap", "128m"),
)


class Container(Stack):
    """A context in which a project's image runs with the least privilege.

    It shares the machine's network, so the ports are those of the loopback.
    """

    options: ClassVar[tuple[str, ...]] = LEAST_PRIVILEGE

    def __init__(
        self, project: Path, *arguments: str, ready: str = "/readyz", **variables: str
    ) -> None:
        super().__init__(project, *arguments, ready=ready, **variables)
        self.name = resource_name()
        self.run_dir.mkdir(exist_ok=True)
        self.run_dir.chmod(0o777)  # The image's user writes here.
        settings = [part for pair in self.settings.items() for part in ("--env", "=".join(pair))]
        self.command = [
            *(engine.engine(), "run", "--rm", "--name", self.name, "--network", "host"),
            *("--no-healthcheck", *self.options, "--volume", f"{self.run_dir}:{self.run_dir}"),
            *settings,
            *(build_image(project), *arguments),
        ]
        self.variables = dict(os.environ)

    def __exit__(self, *exception: object) -> None:
        engine.run("kill", self.name, check=False)
        engine.run("rm", "--force", self.name, check=False)
        super().__exit__(*exception)

    def stop(self) -> int:
        """Stop the container; return its exit status."""
        engine.run("stop", "--time", str(int(TIMEOUT)), self.name, check=False)
        return self.process.wait(TIMEOUT)

    def kill(self, number: int, pids: Iterable[int]) -> None:
        """Send a signal to processes in the container."""
        if pids := list(pids):
            # The container may end before the command returns.
            engine.run("exec", self.name, "kill", f"-{number}", *map(str, pids), check=False)

    def pids(self) -> list[int]:
        """Return the process ids in the container; none if it does not run."""
        output = engine.run("exec", self.name, "ps", "-o", "pid", check=False)
        return [int(line) for line in output.splitlines() if line.strip().isdigit()]

    def execute(self, *arguments: str) -> str:
        """Run a command in the container; return its output."""
        return engine.run("exec", self.name, *arguments)
