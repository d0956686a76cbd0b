"""Fixtures for attacks: the stack on this machine, and its image within the limits of compose."""

from pathlib import Path
from typing import ClassVar

import pytest

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


def report_peak_memory(stack: Stack) -> None:
    """Print the largest number of megabytes that a container has had."""
    if isinstance(stack, ConfinedContainer):
        names = ("memory.peak", "memory/memory.max_usage_in_bytes")
        paths = " ".join(f"/sys/fs/cgroup/{name}" for name in names)
        peak = stack.execute("sh", "-c", f"cat {paths} 2>/dev/null || true")
        print(f"peak memory: {int(peak) >> 20} MB")


def cache_size(stack: Stack) -> int:
    """Return the bytes that the micro-cache takes."""
    if isinstance(stack, ConfinedContainer):
        return int(stack.execute("du", "-sk", "/tmp/cache").split()[0]) * 1024  # noqa: S108
    files = (stack.run_dir / "cache").iterdir()
    return sum(each.stat().st_blocks * 512 for each in files)


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
