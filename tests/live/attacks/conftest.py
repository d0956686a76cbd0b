"""Fixtures for attacks: the stack on this machine, and its image within the limits of compose."""

from pathlib import Path
from typing import ClassVar

import psutil
import pytest

from harness.containers import engine
from harness.containers.container import LEAST_PRIVILEGE, Container
from harness.stack import Stack, StackType

# In place of those in LEAST_PRIVILEGE.
LIMITS = {"/tmp": "/tmp:mode=1777,size=48m", "128m": "256m"}  # noqa: S108


class ConfinedContainer(Container):
    """The image with 256 MB of memory, and 64 MB of tmpfs, of which 16 are for responses."""

    options: ClassVar[tuple[str, ...]] = (
        *(LIMITS.get(option, option) for option in LEAST_PRIVILEGE),
        *("--tmpfs", "/tmp/uwsgi:mode=1777,size=16m"),  # noqa: S108
    )

    def __init__(self, project: Path, *arguments: str, **variables: str) -> None:
        super().__init__(project, *arguments, **variables)
        # Not the folder of this machine, which has no limit.
        folder = f"RUN_DIR={self.run_dir}"
        self.command = [part.replace(folder, "RUN_DIR=/tmp") for part in self.command]

    def __exit__(self, *exception: object) -> None:
        # The largest amount of memory that it has had: `pytest -rP` shows it.
        names = ("memory.peak", "memory/memory.max_usage_in_bytes")
        paths = " ".join(f"/sys/fs/cgroup/{name}" for name in names)
        command = ("sh", "-c", f"cat {paths} 2>/dev/null")
        peak = engine.run("exec", self.name, *command, check=False)
        print(f"peak memory: {int(peak or 0) >> 20} MB")
        super().__exit__(*exception)


def cache_size(stack: Stack) -> int:
    """Return the bytes that the micro-cache takes."""
    if isinstance(stack, ConfinedContainer):
        return int(stack.execute("du", "-sk", "/tmp/cache").split()[0]) * 1024  # noqa: S108
    files = (stack.run_dir / "cache").iterdir()
    return sum(each.stat().st_blocks * 512 for each in files)


def nginx_workers(stack: Stack) -> list[int]:
    """Return the process ids of nginx's workers, as `stack.kill` takes them."""
    if isinstance(stack, ConfinedContainer):
        return [int(pid) for pid in stack.execute("pgrep", "-f", "nginx: worker").split()]
    return [worker.pid for worker in psutil.Process(stack.nginx()).children()]


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(Stack, id="machine"),
        pytest.param(ConfinedContainer, id="image", marks=pytest.mark.full),
    ],
)
def stack_type(request: pytest.FixtureRequest) -> StackType:
    """Return a way to run a service under attack."""
    found: StackType = request.param
    return found
