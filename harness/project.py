"""Bake projects from the template and change copies of them."""

import atexit
import functools
import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from allpairspy import AllPairs
from cookiecutter.main import cookiecutter
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "{{cookiecutter.service_slug}}"
BUILD = ROOT / "build"
Bake = Callable[..., Path]
# The whole of cookiecutter.json: questions, prompts, derived names and settings.
CONTEXT = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))
VERSION: str = CONTEXT["_version"]
QUESTIONS: dict[str, str | list[str]] = {
    name: default for name, default in CONTEXT.items() if not name.startswith("_")
}
CHOICES: dict[str, list[str]] = {
    name: default for name, default in QUESTIONS.items() if isinstance(default, list)
}
# Lists in which a line depends on a choice. No other file may contain Jinja tags.
FILES_WITH_TAGS = {
    ".env.example",
    "Dockerfile",
    "Makefile",
    "README.md",
    "deploy/k8s/kustomization.yaml",
    "deploy/uwsgi.ini",
    "docker-compose.yml",
}


def combinations(*options: str) -> list[dict[str, str]]:
    """Return every combination of the choices of `options`; default: of all options."""
    names = options or tuple(CHOICES)
    return [
        dict(zip(names, values, strict=True))
        for values in itertools.product(*(CHOICES[name] for name in names))
    ]


def all_pairs(*options: str) -> list[dict[str, str]]:
    """Return combinations in which each pair of choices of two `options` occurs; default: all."""
    names = options or tuple(CHOICES)
    return [
        dict(zip(names, values, strict=True)) for values in AllPairs([CHOICES[n] for n in names])
    ]


def label(answers: Mapping[str, str]) -> str:
    """Return the test id of a combination."""
    return "-".join(answers.values()) or "default"


@functools.cache
def user_config() -> Path:
    """Return a configuration of this process that keeps cookiecutter out of the home directory."""
    folder = Path(tempfile.mkdtemp(prefix="cookiecutter-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folders = {name: str(folder / name) for name in ("cookiecutters_dir", "replay_dir")}
    config = folder / "config.yaml"
    config.write_text(json.dumps(folders), "utf-8")
    return config


def replay_file() -> Path:
    """Return the file in which cookiecutter keeps the answers of this process's last bake."""
    return user_config().parent / "replay_dir" / f"{ROOT.name}.json"


def bake(destination: Path, **answers: str) -> Path:
    """Bake a project into `destination`; return its folder.

    Raises cookiecutter's exceptions, also if the project exists.
    """
    return _bake(destination, answers, overwrite=False)


def bake_once(folder: Path, **answers: str) -> Path:
    """Bake a project unless a process that shares `folder` has; return the project's folder."""
    complete = {name: choices[0] for name, choices in CHOICES.items()} | answers
    key = hashlib.sha256(json.dumps(complete, sort_keys=True).encode()).hexdigest()[:16]
    stamp = folder / f"{key}.baked"
    with FileLock(folder / f"{key}.lock"):
        if not stamp.exists():
            stamp.write_text(str(bake(folder / key, **answers)), "utf-8")
    return Path(stamp.read_text("utf-8"))


def bake_over(destination: Path, **answers: str) -> Path:
    """Bake like `bake`, over the project if it exists."""
    return _bake(destination, answers, overwrite=True)


def _bake(destination: Path, answers: dict[str, str], *, overwrite: bool) -> Path:
    destination.mkdir(parents=True, exist_ok=True)
    return Path(
        cookiecutter(
            str(ROOT),
            no_input=True,
            extra_context=answers,
            output_dir=str(destination),
            config_file=str(user_config()),
            overwrite_if_exists=overwrite,
        )
    )


def run_cookiecutter(
    *arguments: str, cwd: Path, stdin: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the `cookiecutter` command in `cwd` without the user's own configuration."""
    return subprocess.run(
        [sys.executable, "-m", "cookiecutter", *arguments],
        cwd=cwd,
        env={**os.environ, "COOKIECUTTER_CONFIG": str(user_config()), **variables},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def contents(project: Path) -> dict[str, bytes]:
    """Return the content of each file by its path in the project."""
    return {
        path.relative_to(project).as_posix(): path.read_bytes()
        for path in sorted(project.rglob("*"))
        if path.is_file()
    }


def patched_copy(project: Path, destination: Path, name: str, changes: Mapping[str, str]) -> Path:
    """Copy the project and replace texts in its file `name`; each text must occur once."""
    shutil.copytree(project, destination, symlinks=True)
    replace_once(destination / name, changes)
    return destination


def replace_once(path: Path, changes: Mapping[str, str]) -> None:
    """Replace texts in a file; each must occur exactly once."""
    text = path.read_text("utf-8")
    for old, new in changes.items():
        assert text.count(old) == 1, f"{path.name} must contain {old!r} once"
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
