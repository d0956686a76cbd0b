"""Control which programs a command finds: folders for PATH, and stub programs."""

import os
import sys
from pathlib import Path

from harness.requirements import require

# Called by the recipes of the Makefiles, besides Python and uv.
SHELL_TOOLS = ("awk", "cat", "make", "rm", "sed", "sh", "touch")


def path_without_uv(folder: Path) -> str:
    """Return a PATH on which the shell tools and python3 are found, and uv is not."""
    folder.mkdir(parents=True, exist_ok=True)
    stub(folder / "python3", f'exec {Path(sys.executable).resolve()} "$@"')
    for name in SHELL_TOOLS:
        stub(folder / name, f'exec {require(name)} "$@"')
    return str(folder)


def stub(path: Path, body: str) -> Path:
    """Write a program that runs `body` in a shell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    path.chmod(0o755)
    return path


def clean_environment(path: str, **variables: str) -> dict[str, str]:
    """Return a user's environment: HOME and the given PATH, no settings of pip, uv or make."""
    inherited = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    return {**inherited, "PATH": path, **variables}
