"""The rules that keep the template readable: what its source may and may not hold."""

import json
import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from harness.environment import run
from harness.project import CHOICES, QUESTIONS, ROOT, TEMPLATE
from harness.requirements import require

FILES = sorted(path for path in TEMPLATE.rglob("*") if path.is_file())
OPTIONS = TEMPLATE / "_options"
LOCKS = [
    ROOT / "requirements-dev.txt",
    ROOT / "benchmarks" / "requirements.txt",
    *(
        ROOT / "tests" / f"{name}.txt"
        for name in ("openapi-client", "requirements", "schemathesis")
    ),
    *TEMPLATE.rglob("requirements*.txt"),
]

# Lists, in which a whole line comes and goes with a choice.
MAY_HOLD_TAGS = {
    "README.md",
    "docker-compose.yml",
    ".env.example",
    "Dockerfile",
    "deploy/entrypoint.sh",
    "deploy/uwsgi.ini",
    "deploy/k8s/kustomization.yaml",
}
# The one choice that adds nothing.
WITHOUT_FOLDER = {"ci/none"}


def name(path: Path) -> str:
    """Return the path within the template."""
    return path.relative_to(TEMPLATE).as_posix()


def text(path: Path) -> str:
    """Return what the file holds."""
    return path.read_text("utf-8")


def matching(pattern: str, path: Path) -> list[str]:
    """Return the lines of the file that match."""
    return [line for line in text(path).splitlines() if re.search(pattern, line)]


def test_no_jinja_in_python_or_in_options() -> None:
    """They can be opened, linted and read as they stand; cookiecutter copies them unread."""
    unread = [path for path in FILES if path.suffix == ".py" or OPTIONS in path.parents]
    assert not [name(path) for path in unread if re.search(r"cookiecutter|\{%", text(path))]
    patterns = json.loads(text(ROOT / "cookiecutter.json"))["_copy_without_render"]
    assert {"_options", "*.py"} <= set(patterns)


def test_tags_stand_alone_in_the_files_that_may_hold_them() -> None:
    """A tag elsewhere, or within a line, leaves scars in what is rendered."""
    with_tags = {name(path) for path in FILES if "{%" in text(path) or "{#" in text(path)}
    assert with_tags <= MAY_HOLD_TAGS
    for path in with_tags:
        for line in matching(r"\{[%#]|[%#]\}", TEMPLATE / path):
            assert re.fullmatch(r"\s*\{% [^%]+ %\}", line), f"{path}: {line}"


def test_only_the_project_folder_has_a_rendered_name() -> None:
    """A name that a choice leaves empty would be written into the wrong folder."""
    assert not [name(path) for path in TEMPLATE.rglob("*") if re.search("[{}%]", name(path))]


def test_no_links_and_nothing_left_by_tools() -> None:
    """Windows has no symbolic links to check out; what tools leave behind would be baked."""
    assert not [name(path) for path in TEMPLATE.rglob("*") if path.is_symlink()]
    left = re.compile(r"(^|/)(__pycache__|\.\w+_cache|\.coverage|\.venv)(/|$)")
    assert not [name(path) for path in FILES if left.search(name(path))]
    # Git keeps no empty folder: a bake from a clone would differ.
    folders = [path for path in TEMPLATE.rglob("*") if path.is_dir()]
    assert not [name(folder) for folder in folders if not any(folder.iterdir())]


def test_every_choice_has_a_folder_and_every_folder_is_a_choice() -> None:
    """A choice is added by a folder and a line in cookiecutter.json, never by one alone."""
    choices = {f"{option}/{choice}" for option, values in CHOICES.items() for choice in values}
    folders = {path.relative_to(OPTIONS).as_posix() for path in OPTIONS.glob("*/*")}
    assert folders == choices - WITHOUT_FOLDER


def test_no_file_stands_in_two_places() -> None:
    """What two choices share is common and belongs outside; two options never write one file."""
    for option in CHOICES:
        files = [path for path in (OPTIONS / option).rglob("*") if path.is_file()]
        places = Counter(
            (path.relative_to(OPTIONS / option).as_posix().split("/", 1)[1], path.read_bytes())
            for path in files
        )
        assert not [place for (place, _), count in places.items() if count > 1]
    owners: dict[str, set[str]] = {}
    for path in FILES:
        owner, target = "common", name(path)
        if target.startswith("_options/"):
            _, owner, _, target = target.split("/", 3)
        owners.setdefault(target, set()).add(owner)
    assert not {target: sorted(who) for target, who in owners.items() if len(who) > 1}


def test_every_question_is_explained_where_it_is_asked() -> None:
    """A prompt for every question, a line for every choice, and both in the README."""
    prompts = json.loads(text(ROOT / "cookiecutter.json"))["__prompts__"]
    readme = text(ROOT / "README.md")
    assert set(prompts) == set(QUESTIONS)
    for question in QUESTIONS:
        assert f"`{question}`" in readme
    for option, choices in CHOICES.items():
        assert set(prompts[option]) == {"__prompt__", *choices}
        assert not [choice for choice in choices if f"`{choice}`" not in readme]


def test_derived_texts_are_derived_alike() -> None:
    """The escapes for Markdown and for TOML are the same for every text."""
    derived = json.loads(text(ROOT / "cookiecutter.json"))
    for kind in ("md", "toml"):
        rules = {
            derived[f"__{question}_{kind}"].replace(question, "…")
            for question in ("service_name", "description", "owner")
        }
        assert len(rules) == 1


def test_hooks_are_python_before_they_are_rendered() -> None:
    """They are short, and pass what other modules pass."""
    for hook in sorted((ROOT / "hooks").glob("*.py")):
        compile(text(hook), hook, "exec")
        assert len(text(hook).splitlines()) <= 60
    run(ROOT, require("ruff"), "check", "hooks")
    run(ROOT, require("ruff"), "format", "--check", "hooks")
    run(ROOT, require("mypy"), "hooks")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.relative_to(ROOT).as_posix()[-40:])
def test_locks_hold_every_requirement_by_hash_and_nothing_of_a_machine(lock: Path) -> None:
    """`pip install --require-hashes` works anywhere: no index, no path, no file without hash."""
    # A name comes twice where versions of Python need versions of it.
    pins = re.findall(
        r"^([\w.-]+)==[^\\]*\\\n(?:    --hash=sha256:[0-9a-f]{64}.*\n)+", text(lock), re.M
    )
    lines = [line for line in text(lock).splitlines() if not line.startswith(("#", "    --hash="))]
    assert len(lines) == len(pins)
    wanted = {
        re.split(r"[^\w.-]", line)[0].lower()
        for line in text(lock.with_suffix(".in")).splitlines()
        if not line.startswith("#")
    }
    assert wanted - {""} <= set(pins)


def a_python(folder: Path, body: str) -> dict[str, str]:
    """Return make's argument for a stand-in of Python that runs `body` in a shell."""
    stand_in = folder / "python"
    stand_in.write_text(f"#!/bin/sh\n{body}\n")
    stand_in.chmod(0o755)
    return {"PYTHON": str(stand_in)}


@pytest.mark.parametrize(
    "makefile", [ROOT / "Makefile", TEMPLATE / "Makefile"], ids=["own", "service"]
)
@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (None, "is not installed: Python 3.11 or later is needed"),
        # It says what an older one says.
        (
            'exec python3 -c "$(echo "$2" | sed "s/sys.version_info/(3, 9)/")"',
            "Python 3.11 or later is needed",
        ),
        ('case "$2" in *ensurepip*|venv) exit 1;; *) exec python3 "$@";; esac', "venv module"),
    ],
    ids=["no python", "old python", "no venv"],
)
def test_what_is_missing_is_said_in_one_sentence(
    tmp_path: Path, makefile: Path, body: str | None, sentence: str
) -> None:
    """No environment is left half-made, and the next try starts anew."""
    (tmp_path / "Makefile").write_text(text(makefile))
    for lock in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / lock).touch()
    python = a_python(tmp_path, body) if body else {"PYTHON": str(tmp_path / "absent")}
    made = subprocess.run(
        [
            "make",
            "--silent",
            ".venv/.installed",
            *(f"{key}={value}" for key, value in python.items()),
        ],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("M")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 2
    said = [line for line in made.stderr.splitlines() if not line.startswith("make")]
    assert len(said) == 1
    assert sentence in said[0]
    assert not (tmp_path / ".venv").exists()
