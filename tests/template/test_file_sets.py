"""Every combination of choices renders exactly its files."""

import os
import tomllib
from pathlib import Path

import pytest

from harness.project import (
    CHOICES,
    FILES_WITH_TAGS,
    TEMPLATE,
    Bake,
    bake,
    combinations,
    contents,
    label,
)

EVERY_COMBINATION = pytest.mark.parametrize("answers", combinations(), ids=label)
# Files that contain the slug or one of the texts: labels, names, titles.
FILES_WITH_ANSWERS = {
    ".cookiecutterrc",
    "Dockerfile",
    "Makefile",
    "README.md",
    "deploy/k8s/kustomization.yaml",
    "deploy/k8s/optional/httproute.yaml",
    "deploy/k8s/optional/podmonitor.yaml",
    "docker-compose.yml",
    "docs/operations.md",
    "main/resources/flask.toml",
    "sonar-project.properties",
}


@EVERY_COMBINATION
def test_a_service_has_exactly_its_files(baked: Bake, answers: dict[str, str]) -> None:
    """No file is missing, and none is left of another choice or of the template's own folders."""
    expected = tomllib.loads(Path(__file__).with_name("expected_files.toml").read_text("utf-8"))
    files = set(expected["common"])
    for condition, added in expected["added"].items():
        options, _, choices = condition.partition("=")
        if choices == "+".join(answers[option] for option in options.split("+")):
            files |= set(added)
    project = baked(**answers)
    assert project.name == "my-service"
    assert set(contents(project)) == files


@EVERY_COMBINATION
def test_the_slug_and_the_texts_reach_few_files(
    baked: Bake, tmp_path: Path, answers: dict[str, str]
) -> None:
    """Code and server configuration are the same in every service."""
    texts = {"service_name": "Zebra", "description": "Counts zebras.", "owner": "Zebra crew"}
    mine = contents(baked(**answers))
    other = contents(bake(tmp_path, **answers, **texts, service_slug="z" + "9" * 39))
    assert mine.keys() == other.keys()
    assert {path for path in mine if mine[path] != other[path]} == FILES_WITH_ANSWERS


@pytest.mark.parametrize("option", CHOICES)
def test_a_choice_changes_only_its_own_files(baked: Bake, option: str) -> None:
    """Two services that differ in one answer share every file that neither choice adds or lists."""
    others = [name for name in CHOICES if name != option]
    for answers in combinations(*others):
        projects = {
            choice: contents(baked(**answers, **{option: choice})) for choice in CHOICES[option]
        }
        for one in CHOICES[option]:
            for two in CHOICES[option]:
                files, other = projects[one], projects[two]
                differing = {
                    path for path in {*files, *other} if files.get(path) != other.get(path)
                }
                own = files_of(option, one) | files_of(option, two)
                assert differing <= own | FILES_WITH_TAGS | {".cookiecutterrc"}


def files_of(option: str, choice: str) -> set[str]:
    """Return the paths of the files that a choice adds, alone or with one of another option."""
    files = set()
    for folder in (TEMPLATE / "_options").glob("*/*"):
        options, choices = folder.parent.name.split("+"), folder.name.split("+")
        if (option, choice) in zip(options, choices, strict=True):
            paths = [path for path in folder.rglob("*") if path.is_file()]
            files |= {path.relative_to(folder).as_posix() for path in paths}
    return files


def test_no_file_is_executable(baked: Bake) -> None:
    """Make targets and the image name the interpreter."""
    project = baked()
    assert not [path for path in contents(project) if os.access(project / path, os.X_OK)]
