"""The weekly trial of the newest dependencies: what it runs, and how it tells of a failure."""

from pathlib import Path

import pytest
import yaml

from harness.environment import run
from harness.project import ROOT

CANARY = yaml.safe_load((ROOT / ".github/workflows/canary.yml").read_text("utf-8"))
# What answers for GitHub: it writes down the words, and knows of the issues that it was given.
GH = """#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word" >> "$SAID"; done
if [ "$2" = list ]; then printf '%s' "$KNOWN"; fi
"""


def test_it_tries_what_is_newest() -> None:
    """The locks are made anew before everything is run, as on any machine."""
    steps = [step["run"] for step in CANARY["jobs"]["test"]["steps"] if "run" in step]
    assert steps == ["make lock", ".ci/run"]
    # A workflow's `on` is a truth to YAML.
    assert [each["cron"].split()[4] for each in CANARY[True]["schedule"]] == ["1"]


def test_only_who_reports_may_write() -> None:
    """And runs nothing of what was installed."""
    jobs = CANARY["jobs"]
    assert jobs["test"]["permissions"] == {"contents": "read"}
    assert (jobs["report"]["if"], jobs["report"]["needs"]) == ("failure()", "test")
    assert not [step for step in jobs["report"]["steps"] if "uses" in step]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ("", ["issue", "create", "--title", "TITLE", "--body", "What failed: RUN"]),
        ("7", ["issue", "comment", "7", "--body", "It failed again: RUN"]),
    ],
    ids=["first", "again"],
)
def test_a_failure_is_one_issue(tmp_path: Path, known: str, expected: list[str]) -> None:
    """It is opened once, and commented on until somebody closes it."""
    gh = tmp_path / ".venv" / "bin" / "gh"
    gh.parent.mkdir(parents=True)
    gh.write_text(GH, "utf-8")
    gh.chmod(0o755)
    said = tmp_path / "said"
    (step,) = CANARY["jobs"]["report"]["steps"]
    given = {"RUN": "RUN", "TITLE": "TITLE", "SAID": str(said), "KNOWN": known}
    run(tmp_path, "bash", "-ec", step["run"], **given)
    listed, told = said.read_text("utf-8").removeprefix("issue\n").split("issue\n", 1)
    assert 'in:title "TITLE"' in listed
    assert told.splitlines() == expected[1:]
