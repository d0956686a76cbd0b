"""Accepted answers are data: every file shows them in its own format, and nothing runs them."""

import json
import re
import tempfile
import tomllib
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml

from harness.answers import EXPLORE, HOSTILE, accepted_texts
from harness.project import ROOT, Bake, bake, contents, replay_file, run_cookiecutter

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
# A label of the Dockerfile: its value contains no unescaped quote and no variable.
LABEL = re.compile(r"""(?<=image\.)(\w+)="((?:[^"\\$]|\\.)*)\"""")
FILES_WITH_TEXTS = {".cookiecutterrc", "Dockerfile", "README.md", "main/resources/flask.toml"}
LONG_SLUG = "q" * 40


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Billing", "billing"),
        ("Foo -- Bar!", "foo-bar"),
        ("Счета за услуги", "scheta-za-uslugi"),
        ("請求", "qing-qiu"),
        (HOSTILE, "o-keefe-sohne-b"),
        (
            "A service whose name is longer than needed",
            "a-service-whose-name-is-longer-than-need",
        ),
    ],
)
def test_the_slug_is_derived_from_the_name(tmp_path: Path, name: str, slug: str) -> None:
    """Names in other scripts are transliterated."""
    assert bake(tmp_path, service_name=name).name == slug


@given(
    service_name=accepted_texts(60),
    description=accepted_texts(200),
    owner=accepted_texts(60),
    slug=st.from_regex(r"[a-z][a-z0-9-]{10,38}[a-z0-9]", fullmatch=True),
)
@EXPLORE
def test_an_accepted_text_is_shown_and_never_executed(
    baked: Bake, service_name: str, description: str, owner: str, slug: str
) -> None:
    """Four files contain it, each with the escapes of its format; the other files do not change."""
    answers = {"service_name": service_name, "description": description, "owner": owner}
    with tempfile.TemporaryDirectory() as folder:
        project = bake(Path(folder), service_slug=slug, **answers)
        assert list(Path(folder).iterdir()) == [Path(folder) / slug]
        files = contents(project)
    assert not Path("canary").exists()
    default = contents(baked(service_slug=LONG_SLUG))

    labels = LABEL.sub("", files["Dockerfile"].decode())
    assert labels == LABEL.sub("", default["Dockerfile"].decode())
    unchanged = {
        path: content.replace(slug.encode(), LONG_SLUG.encode())
        for path, content in files.items()
        if path not in FILES_WITH_TEXTS
    }
    assert unchanged == {path: default[path] for path in default.keys() - FILES_WITH_TEXTS}
    assert_texts_are_shown({path: files[path].decode() for path in FILES_WITH_TEXTS}, answers, slug)


def assert_texts_are_shown(files: dict[str, str], answers: dict[str, str], slug: str) -> None:
    """Assert that each of the files, read by a parser of its format, contains the answers."""
    name, description, owner = answers.values()
    flask_config = tomllib.loads(files["main/resources/flask.toml"])
    information = flask_config["API_SPEC_OPTIONS"]["info"]
    assert flask_config["API_TITLE"] == name
    assert information["description"] == description
    assert information["contact"]["name"] == owner
    kept = yaml.safe_load(files[".cookiecutterrc"])["default_context"]
    assert {question: kept[question] for question in answers} == answers
    labels = {
        label: re.sub(r"\\(.)", r"\1", text) for label, text in LABEL.findall(files["Dockerfile"])
    }
    assert (labels["title"], labels["description"], labels["authors"]) == (slug, description, owner)
    readme = MARKDOWN.render(files["README.md"])
    assert f"<h1>{escapeHtml(name)}</h1>" in readme
    assert f"<p>{escapeHtml(description)}</p>" in readme
    assert escapeHtml(owner) in readme


def test_answers_typed_at_the_prompts_obey_the_same_rules(tmp_path: Path) -> None:
    """Cookiecutter does not render them, so braces reach the hook unchanged."""
    typed = f"{HOSTILE}\nshop\n\nWe & you\n1\n2\n2\n3\n"
    kept = run_cookiecutter(str(ROOT), cwd=tmp_path, stdin=typed)
    assert kept.returncode == 0, kept.stderr
    assert (tmp_path / "shop" / "main").is_dir()
    assert not (tmp_path / "shop" / "main" / "controller" / "hello.py").exists()
    refused = run_cookiecutter(str(ROOT), cwd=tmp_path, stdin="\nstore\n\n{{ 7*7 }}\n\n\n\n\n")
    assert refused.returncode == 1
    assert refused.stderr.startswith("owner must not contain braces")
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


def test_replayed_answers_obey_the_same_rules(tmp_path: Path) -> None:
    """A replay asks no questions."""
    first = bake(tmp_path / "first", owner=HOSTILE)
    answers = json.loads(replay_file().read_text("utf-8"))
    replay = tmp_path / "replay.json"
    replay.write_text(json.dumps(answers), "utf-8")
    second = run_cookiecutter("--replay-file", str(replay), str(ROOT), cwd=tmp_path)
    assert second.returncode == 0, second.stderr
    assert contents(tmp_path / "my-service") == contents(first)
    answers["cookiecutter"] |= {"owner": "{{ 7*7 }}", "service_slug": "other"}
    replay.write_text(json.dumps(answers), "utf-8")
    refused = run_cookiecutter("--replay-file", str(replay), str(ROOT), cwd=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.startswith("owner must not contain braces")
    assert not (tmp_path / "other").exists()
