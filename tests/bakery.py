"""Bake projects from the template, give them an environment, run commands in them."""

import hashlib
import itertools
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from cookiecutter.main import cookiecutter

from tools import provide

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "{{cookiecutter.service_slug}}"
BUILD = ROOT / "build"
QUESTIONS: dict[str, str | list[str]] = {
    name: default
    for name, default in json.loads((ROOT / "cookiecutter.json").read_text("utf-8")).items()
    if not name.startswith("_")
}
CHOICES: dict[str, list[str]] = {
    name: default for name, default in QUESTIONS.items() if isinstance(default, list)
}


def combinations(*options: str) -> list[dict[str, str]]:
    """Return every combination of the choices of `options`, of all options if none is named."""
    names = options or tuple(CHOICES)
    return [
        dict(zip(names, values, strict=True))
        for values in itertools.product(*(CHOICES[name] for name in names))
    ]


def label(answers: dict[str, str]) -> str:
    """Name a combination in the list of tests."""
    return "-".join(answers.values())


def user_config() -> Path:
    """Return a configuration that keeps cookiecutter out of the home directory."""
    config = BUILD / "cookiecutter" / "config.yaml"
    config.parent.mkdir(parents=True, exist_ok=True)
    folders = {name: str(config.parent / name) for name in ("cookiecutters_dir", "replay_dir")}
    config.write_text(json.dumps(folders), "utf-8")
    return config


def bake(destination: Path, **answers: str) -> Path:
    """Bake a project within `destination` and return its folder."""
    destination.mkdir(parents=True, exist_ok=True)
    return Path(
        cookiecutter(
            str(ROOT),
            no_input=True,
            extra_context=answers,
            output_dir=str(destination),
            config_file=str(user_config()),
        )
    )


def command(
    *arguments: str, cwd: Path, typed: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `cookiecutter` in `cwd` as users do, apart from their own configuration."""
    return subprocess.run(
        [sys.executable, "-m", "cookiecutter", *arguments],
        cwd=cwd,
        env={**os.environ, "COOKIECUTTER_CONFIG": str(user_config()), **variables},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


def contents(project: Path) -> dict[str, bytes]:
    """Return what is in each file, by its path in the project."""
    return {
        path.relative_to(project).as_posix(): path.read_bytes()
        for path in sorted(project.rglob("*"))
        if path.is_file()
    }


def environment(*locks: Path) -> Path:
    """Return an environment with what is locked in these files; equal locks share one."""
    key = hashlib.sha256(sys.version.encode() + b"".join(lock.read_bytes() for lock in locks))
    folder = BUILD / "venvs" / key.hexdigest()[:16]
    done = folder / ".installed"
    if not done.exists():
        venv.create(folder, clear=True, with_pip=True, symlinks=os.name != "nt")
        requirements = itertools.chain.from_iterable(("-r", str(lock)) for lock in locks)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--require-hashes", *requirements], check=True)
        done.touch()
    return folder


def install(project: Path, *more: Path) -> Path:
    """Give `project` its environment as `make install` would, and return the project."""
    locks = (project / name for name in ("requirements.txt", "requirements-dev.txt"))
    folder = environment(*locks, *more)
    (project / ".venv").symlink_to(folder, target_is_directory=True)
    # Newer than the lock files just baked, or make would install again.
    (folder / ".installed").touch()
    return project


def run(project: Path, *words: str, **variables: str) -> str:
    """Run a command in `project`, its environment first on PATH; return what it printed."""
    path = os.pathsep.join((str(project / ".venv" / "bin"), os.environ["PATH"]))
    # What the tests themselves run under is no business of the project's.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COV_", "MAKE", "MFLAGS", "PYTEST_", "VIRTUAL_ENV"))
    }
    done = subprocess.run(
        words,
        cwd=project,
        env={**inherited, "PATH": path, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(words)} → {done.returncode}\n{done.stdout}"
    return done.stdout


def require(tool: str) -> str:
    """Return the path of `tool`; without it skip the test, or fail it where CI runs."""
    beside = Path(sys.executable).parent / tool
    found = str(beside) if beside.exists() else provide.find(tool)
    if found is None:
        complaint = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        complaint(f"{tool} is not installed; {provide.command([tool])}")
    return found
