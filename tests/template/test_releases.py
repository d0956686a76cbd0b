"""The changelog describes the current version, and answers are saved for the next one."""

import re
from pathlib import Path

from harness.answers import HOSTILE
from harness.project import ROOT, VERSION, Bake, contents, run_cookiecutter


def test_the_changelog_begins_with_the_current_version() -> None:
    """Every entry says what to do after an upgrade."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    _, *entries = re.split(r"^## \[(.+?)\].*$", changelog, flags=re.MULTILINE)
    names, texts = entries[::2], entries[1::2]
    assert names[0] == VERSION
    assert [
        name for name, text in zip(names, texts, strict=True) if "### Upgrading" in text
    ] == names


def test_a_bake_from_saved_answers_is_the_same(baked: Bake, tmp_path: Path) -> None:
    """`.cookiecutterrc` holds even odd texts unchanged."""
    answers = {"service_name": HOSTILE, "description": f"👍 {HOSTILE}", "owner": "1. \\u0041"}
    project = baked(service_slug="odd", ci="none", **answers)
    options = ("--no-input", "--config-file", str(project / ".cookiecutterrc"), str(ROOT))
    done = run_cookiecutter(*options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "odd") == contents(project)
