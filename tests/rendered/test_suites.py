"""The suites of rendered services pass, with complete branch coverage and usable reports."""

import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from harness.environment import install, run
from harness.project import Bake, bake, contents
from harness.readme import shell_block
from harness.variants import variants


@pytest.mark.parametrize("answers", variants())
def test_the_suites_cover_every_branch(
    baked: Bake, tmp_path: Path, answers: dict[str, str]
) -> None:
    """The caller may be in another folder, and another machine may read the reports."""
    project = install(bake(tmp_path / "here", **answers))
    output = run(tmp_path, "make", "-C", str(project), "test")
    assert "100%" in output
    project = Path(shutil.move(project, tmp_path / "elsewhere"))
    coverage = ET.parse(project / "coverage.xml").getroot()
    assert (coverage.get("line-rate"), coverage.get("branch-rate")) == ("1", "1")
    suite = ET.parse(project / "junit.xml").getroot().find("testsuite")
    assert suite is not None
    assert int(suite.get("tests", "0")) > 50
    assert suite.get("skipped") == "0"
    _assert_sonar_finds_reports_and_sources(project)
    _assert_git_ignores_reports(project, baked(**answers))


def _assert_sonar_finds_reports_and_sources(project: Path) -> None:
    """Look up the paths of both reports as Sonar does: by its settings, in the project."""
    lines = (project / "sonar-project.properties").read_text("utf-8").splitlines()
    settings = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert (project / settings["sonar.tests"]).is_dir()
    assert (project / settings["sonar.python.xunit.reportPath"]).is_file()
    coverage = ET.parse(project / settings["sonar.python.coverage.reportPaths"]).getroot()
    folders = [source.text or "" for source in coverage.iter("source")]
    assert folders
    assert not [folder for folder in folders if Path(folder).is_absolute()]
    covered = set()
    for measured in coverage.iter("class"):
        name = measured.get("filename", "")
        found = [path for folder in folders if (path := project / folder / name).is_file()]
        assert len(found) == 1, name
        covered.add(found[0])
    folders = settings["sonar.sources"].split(",")
    sources = {path for folder in folders for path in (project / folder).rglob("*.py")}
    excluded = {project / name for name in settings["sonar.coverage.exclusions"].split(",")}
    assert excluded < sources
    assert covered == sources - excluded


def _assert_git_ignores_reports(project: Path, fresh: Path) -> None:
    run(project, "git", "init", "--quiet")
    run(project, "git", "add", "--all")
    assert sorted(run(project, "git", "ls-files").split()) == sorted(contents(fresh))


@pytest.mark.full
def test_every_documented_command_runs_all_suites(installed: Bake) -> None:
    """docs/operations.md lists four commands; `make test` runs the first one with more reports."""
    project = installed()
    first, *others = shell_block(project / "docs" / "operations.md", "coverage run").splitlines()
    assert len(others) == 3
    assert run(project, "make", "--dry-run", "test").splitlines()[-1].startswith(first)
    counts = [_count_tests(run(project, *command.split())) for command in others]
    assert counts == [counts[0]] * 3
    assert counts[0] > 50


def _count_tests(output: str) -> int:
    """Return the number of tests in the output of pytest or unittest; none may be skipped."""
    (count,) = re.findall(
        r"^=+ (\d+) passed in|^Ran (\d+) tests in .*\n\nOK$", output, re.MULTILINE
    )
    return int("".join(count))
