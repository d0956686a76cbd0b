"""The weekly workflow tests new and locked dependencies, and reports a failure as an issue."""

from pathlib import Path

import pytest
import yaml

from harness.environment import run
from harness.project import ROOT
from harness.toolbox import stub

CANARY = yaml.safe_load((ROOT / ".github/workflows/canary.yml").read_text("utf-8"))
# A fake GitHub CLI: it records its arguments, a line each, and `list` prints the known issue.
GH = """for argument in "$@"; do printf '%s\\n' "$argument" >>"$RECORD"; done
if [ "$2" = list ]; then printf '%s' "$KNOWN_ISSUE"; fi"""


def test_it_runs_every_week_on_new_and_on_locked_dependencies() -> None:
    """Only the run on the newest dependencies writes the locks again; both run all tests."""
    job = CANARY["jobs"]["test"]
    assert job["strategy"]["matrix"]["dependencies"] == ["Newest", "Locked"]
    upgrade, test = (step for step in job["steps"] if "run" in step)
    assert upgrade == {"run": "make upgrade", "if": "matrix.dependencies == 'Newest'"}
    assert test == {"run": ".ci/run"}
    # YAML reads the key `on` as true.
    assert [each["cron"].split()[4] for each in CANARY[True]["schedule"]] == ["1"]


def test_only_the_report_may_write_and_it_runs_no_dependency() -> None:
    """A compromised release must not get a token that can write."""
    jobs = CANARY["jobs"]
    assert CANARY["permissions"] == {}
    assert jobs["test"]["permissions"] == {"contents": "read"}
    assert jobs["report"]["permissions"] == {"issues": "write"}
    assert (jobs["report"]["if"], jobs["report"]["needs"]) == ("failure()", "test")
    assert not [step for step in jobs["report"]["steps"] if "uses" in step]


@pytest.mark.parametrize(
    ("known_issue", "expected"),
    [
        ("", ["create", "--title", "TITLE", "--body", "What failed: RUN"]),
        ("7", ["comment", "7", "--body", "It failed again: RUN"]),
    ],
    ids=["first failure", "next failure"],
)
def test_a_failure_opens_an_issue_or_comments_on_the_open_one(
    tmp_path: Path, known_issue: str, expected: list[str]
) -> None:
    """One issue is open until somebody closes it."""
    stub(tmp_path / ".venv" / "bin" / "gh", GH)
    record = tmp_path / "record"
    (step,) = CANARY["jobs"]["report"]["steps"]
    run(
        tmp_path,
        *("bash", "-ec", step["run"]),
        RUN="RUN",
        TITLE="TITLE",
        RECORD=str(record),
        KNOWN_ISSUE=known_issue,
    )
    search, report = record.read_text("utf-8").removeprefix("issue\n").split("issue\n", 1)
    assert 'in:title "TITLE"' in search
    assert report.splitlines() == expected
