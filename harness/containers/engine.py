"""The container engine of this machine: docker if it works, else podman."""

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness import process
from harness.requirements import require


@functools.cache
def find() -> str | None:
    """Return the path of an engine that works here, if there is one."""
    for name in ("docker", "podman"):
        found = shutil.which(name)
        if found and not subprocess.run([found, "info"], capture_output=True).returncode:
            return found
    return None


def engine() -> str:
    """Return the path of an engine that works here.

    Without one the test is skipped, or fails in CI. NO_CONTAINERS in the environment gives the
    reason why a machine cannot run containers, and skips in CI as well.
    """
    if reason := os.environ.get("NO_CONTAINERS"):
        pytest.skip(f"no containers: {reason}; to run this test: unset NO_CONTAINERS")
    if sys.platform != "linux":
        pytest.skip("the tests share the network of their containers, which only Linux allows")
    return find() or require("podman")


def is_podman() -> bool:
    """Return whether the engine is podman."""
    return Path(engine()).name == "podman"


def require_podman() -> None:
    """Skip the test unless the engine is podman; only podman can run pods."""
    if not is_podman():
        pytest.skip("docker cannot run pods; to run this test: install podman, stop docker")


def variables() -> dict[str, str]:
    """Return the engine's environment: podman builds with its run-time and docker's format."""
    runtime = {"BUILDAH_RUNTIME": "runc"} if shutil.which("runc") else {}
    return {**os.environ, "BUILDAH_FORMAT": "docker", **runtime}


def run(*arguments: str, check: bool = True) -> str:
    """Run the engine; return its output."""
    done = process.run([engine(), *arguments], env=variables(), stderr=subprocess.PIPE)
    assert not check or done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def inspect(name: str, kind: str = "container") -> dict[str, Any]:
    """Return the engine's description of a container or image; {} if there is none."""
    found = json.loads(run("inspect", "--type", kind, name, check=False) or "[]")
    return found[0] if found else {}
