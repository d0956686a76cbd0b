"""Rendered files are whole, parse, and mention nothing that was not chosen."""

import configparser
import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from harness.project import CHOICES, TEMPLATE, Bake, combinations, contents, label

EVERY_COMBINATION = pytest.mark.parametrize("answers", combinations(), ids=label)
# Texts that only a service with this choice may contain, in any case of letters.
MARKERS = {
    "cache_backend=memory": r"cachetools|LRUCache|worker keeps",
    "cache_backend=file": r"fcntl\.lockf|APP_CACHE_DIR|/var/cache",
    "cache_backend=memcached": r"memcache|CACHE_SERVERS",
    "cache_backend=redis": r"redis|valkey|CACHE_URL",
    "cache_backend=uwsgi": r"\bcache2|cache_update|64 KiB",
    "sample_api=yes": r"\bhello|\bprimes?\b|/pages|test_pages|UPSTREAM_URLS",
    "auth=jwt": r"jwt|jwks|issuer|APP_AUTH|web\.auth|web/auth|cryptography|@public|@requires",
    "ci=github": r"github",
    "ci=gitlab": r"gitlab",
}
CHOICES_WITHOUT_MARKERS = {"sample_api=no", "auth=none", "ci=none"}
# Describes parts that a team may add.
RECIPES = "docs/recipes.md"


def texts(project: Path) -> dict[str, str]:
    """Return the text of each file, without hashes: they may contain any marker by chance."""
    return {
        path: re.sub("sha256:[0-9a-f]{64}", "sha256", content.decode("utf-8"))
        for path, content in contents(project).items()
    }


def test_every_choice_has_markers() -> None:
    """Only choices that add nothing need none."""
    every = {f"{option}={choice}" for option, choices in CHOICES.items() for choice in choices}
    assert every == MARKERS.keys() | CHOICES_WITHOUT_MARKERS


@EVERY_COMBINATION
def test_only_chosen_options_are_mentioned(baked: Bake, answers: dict[str, str]) -> None:
    """In no file's text and no file's name."""
    chosen = {f"{option}={choice}" for option, choice in answers.items()}
    files = {path: text for path, text in texts(baked(**answers)).items() if path != RECIPES}
    project = "\n".join(f"{path}\n{text}" for path, text in files.items())
    for choice, pattern in MARKERS.items():
        found = re.findall(pattern, project, re.IGNORECASE)
        assert bool(found) == (choice in chosen), found


@EVERY_COMBINATION
def test_rendering_leaves_no_traces(baked: Bake, answers: dict[str, str]) -> None:
    """No tags, no stray blank lines and no trailing blanks: a team's first diffs are clean."""
    for path, text in texts(baked(**answers)).items():
        # Expressions of GitHub workflows look like tags.
        without_expressions = text.replace("${{", "")
        tags = r"cookiecutter\.[a-z_]|_options/|\{\{|\{%|%\}|\{#"
        assert not re.search(tags, without_expressions), path
        assert "\r" not in text, path
        assert not re.search(r"[ \t]$", text, re.MULTILINE), path
        assert "\n\n\n\n" not in text, path
        assert not text.startswith("\n"), path
        assert not text or re.search(r"[^\n]\n\Z", text), path
        if (TEMPLATE / path).exists():
            # The line of a tag leaves no blank line.
            source = (TEMPLATE / path).read_text("utf-8")
            assert text.count("\n\n") <= source.count("\n\n"), path


def assert_parses(path: str, text: str) -> None:
    """Assert that a data file's text is valid in its format."""
    suffix = Path(path).suffix
    if suffix in {".yml", ".yaml"}:
        assert list(yaml.safe_load_all(text))
    elif suffix == ".toml":
        assert tomllib.loads(text)
    elif suffix == ".json":
        assert json.loads(text)
    elif suffix == ".ini" or path in {".coveragerc", ".editorconfig"}:
        # uWSGI repeats keys; .editorconfig has a key above the first section.
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.read_string(f"[top]\n{text}")
        assert len(parser.sections()) > 1
    elif suffix == ".properties" or path == ".env.example":
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        assert all(re.fullmatch(r"[\w.]+=.*", line) for line in lines)


def test_every_data_file_parses(baked: Bake) -> None:
    """Each distinct text of all combinations, by a parser of its format."""
    distinct = {item for answers in combinations() for item in texts(baked(**answers)).items()}
    for path, text in distinct:
        assert_parses(path, text)
    suffixes = {Path(path).suffix for path, _ in distinct}
    assert {".yml", ".yaml", ".toml", ".json", ".ini", ".properties"} <= suffixes


def test_expressions_of_github_workflows_survive(baked: Bake) -> None:
    """They look like the template's own."""
    workflow = texts(baked(ci="github"))[".github/workflows/ci.yml"]
    assert "${{ github.ref }}" in workflow


def test_pipelines_and_image_use_the_same_python(baked: Bake) -> None:
    """A pipeline tests on the version that runs in production."""
    versions = set()
    for answers in combinations("ci"):
        files = texts(baked(**answers))
        for path in ("Dockerfile", ".github/workflows/ci.yml", ".gitlab-ci.yml"):
            found = re.findall(r'python(?::|-version: ")(\d+\.\d+)', files.get(path, ""))
            assert found or path not in files
            versions |= set(found)
    assert len(versions) == 1
