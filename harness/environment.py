"""Virtual environments from lock files, and commands that run in them."""

import functools
import hashlib
import os
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from harness import process
from harness.project import BUILD
from harness.requirements import require

VENVS = BUILD / "venvs"
LOCKS = ("requirements.txt", "requirements-dev.txt")
# Variables of the test run that must not reach the commands under test.
PRIVATE = ("APP_", "COV_", "MAKE", "MFLAGS", "PYTEST_", "VIRTUAL_ENV")


def virtual_environment(*locks: Path) -> Path:
    """Return an environment with the packages of `locks`; equal locks share one."""
    key = hashlib.sha256(sys.version.encode() + b"".join(lock.read_bytes() for lock in locks))
    folder = VENVS / key.hexdigest()[:16]
    VENVS.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / ".installed").exists():
            uv = require("uv")
            env = {"UV_SYSTEM_CERTS": "true", **os.environ}
            python = [sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)]
            subprocess.run(python, check=True)
            sync = [uv, "pip", "sync", "--quiet", "--python", str(folder), "--require-hashes"]
            subprocess.run([*sync, *map(str, locks)], env=env, check=True)
            check = [uv, "pip", "check", "--quiet", "--python", str(folder)]
            subprocess.run(check, env=env, check=True)
            (folder / ".installed").touch()
    return folder


def install(project: Path, *more_locks: Path) -> Path:
    """Link the project's `.venv` to a shared environment; return the project.

    Tests of `make install` itself make their own.
    """
    folder = virtual_environment(*(project / name for name in LOCKS), *more_locks)
    (project / ".venv").symlink_to(folder, target_is_directory=True)
    # Make installs again unless the stamp is newer than the lock files.
    (folder / ".installed").touch()
    return project


def process_environment(project: Path, **variables: str) -> dict[str, str]:
    """Return the variables of a process that runs in the project's environment, with uv on PATH."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(PRIVATE)}
    folders = (project / ".venv" / "bin", _folder_of_uv(), os.environ["PATH"])
    return {**inherited, "PATH": os.pathsep.join(map(str, folders)), **variables}


@functools.cache
def _folder_of_uv() -> Path:
    """Return a folder with uv alone: its neighbours would hide what a project lacks."""
    folder = BUILD / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(BUILD / "bin.lock"):
        for name in ("uv", "uvx"):
            link, program = folder / name, require(name)
            # Another process may be starting it: keep a link that is right.
            if not link.is_symlink() or os.readlink(link) != program:
                link.unlink(missing_ok=True)
                link.symlink_to(program)
    return folder


def run(project: Path, *arguments: str, **variables: str) -> str:
    """Run a command in the project's environment; return its output, stderr included.

    Raises `AssertionError` with the output if the command fails.
    """
    env = process_environment(project, **variables)
    done = process.run(arguments, cwd=project, env=env)
    assert done.returncode == 0, f"{' '.join(arguments)} → {done.returncode}\n{done.stdout}"
    return done.stdout
