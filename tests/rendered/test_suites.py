"""The suites of what is rendered pass, as a team would run them, and their gate can close."""

import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from harness.environment import install, run
from harness.project import Bake, bake, combinations, contents, label

pytestmark = pytest.mark.slow
DIFFERING = pytest.mark.parametrize(
    "answers", combinations("cache_backend", "sample_api"), ids=label
)
COMMANDS = [
    "pytest --cov=main test/ --cov-report term-missing",
    "coverage run -m pytest",
    "python -m unittest",
    "python -m test.suite",
]


@pytest.mark.parametrize("answers", [{}, {"sample_api": "no"}], ids=label)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs_the_suites(installed: Bake, answers: dict[str, str], command: str) -> None:
    """Each of the ways that the README names; `make test`, below, takes the first one."""
    printed = run(installed(**answers), *command.split())
    assert "passed" in printed or "\nOK" in printed


@DIFFERING
def test_make_test_covers_everything(
    installed: Bake, baked: Bake, answers: dict[str, str]
) -> None:
    """All branches, with the reports that pipelines collect; git sees none of them."""
    project = installed(**answers)
    printed = run(project, "make", "test")
    assert "100%" in printed
    coverage = ET.parse(project / "coverage.xml").getroot()
    assert (coverage.get("line-rate"), coverage.get("branch-rate")) == ("1", "1")
    assert_sonar_finds_what_was_covered(project)
    suite = ET.parse(project / "junit.xml").getroot().find("testsuite")
    assert suite is not None
    assert int(suite.get("tests", "0")) > 50
    assert suite.get("skipped") == "0"
    run(project, "git", "init", "--quiet")
    run(project, "git", "add", "--all")
    assert sorted(run(project, "git", "ls-files").split()) == sorted(contents(baked(**answers)))


def assert_sonar_finds_what_was_covered(project: Path) -> None:
    """Look for every path of the reports as Sonar does, by its settings, from the project."""
    lines = (project / "sonar-project.properties").read_text("utf-8").splitlines()
    told = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert (project / told["sonar.tests"]).is_dir()
    assert (project / told["sonar.python.xunit.reportPath"]).is_file()
    coverage = ET.parse(project / told["sonar.python.coverage.reportPaths"]).getroot()
    sources = [source.text or "" for source in coverage.iter("source")]
    assert sources
    assert not [source for source in sources if Path(source).is_absolute()]
    covered = set()
    for each in coverage.iter("class"):
        name = each.get("filename", "")
        found = [place for source in sources if (place := project / source / name).is_file()]
        assert len(found) == 1, name
        covered.add(found[0])
    assert covered == set((project / told["sonar.sources"]).rglob("*.py"))


@pytest.mark.parametrize("answers", [{}, {"cache_backend": "file", "sample_api": "no"}], ids=str)
def test_reports_are_good_elsewhere(
    installed: Bake, tmp_path: Path, answers: dict[str, str]
) -> None:
    """Whoever calls make from another folder, and wherever the reports are read."""
    project = shutil.copytree(installed(**answers), tmp_path / "here", symlinks=True)
    run(tmp_path, "make", "-C", "here", "test")
    assert_sonar_finds_what_was_covered(Path(shutil.move(project, tmp_path / "there")))


def test_a_branch_without_a_test_closes_the_gate(tmp_path: Path) -> None:
    """99 % is not enough."""
    project = install(bake(tmp_path))
    schema = project / "main" / "util" / "schema.py"
    schema.write_text(
        schema.read_text("utf-8") + "\n\ndef untested(flag: bool) -> int:\n"
        '    """Return a number."""\n    return 1 if flag else 2\n'
    )
    with pytest.raises(AssertionError, match=r"(?s)schema\.py.*fail-under=100|not reached"):
        run(project, "make", "test")


def test_a_failing_test_fails_every_command(tmp_path: Path) -> None:
    """None of them swallows it."""
    project = install(bake(tmp_path))
    for path in (project / "test").rglob("test_*.py"):
        path.unlink()
    (project / "test" / "test_fault.py").write_text(
        "import unittest\n\n\nclass FaultTest(unittest.TestCase):\n"
        "    def test_fault(self) -> None:\n        self.assertTrue(False)\n"
    )
    for command in (
        "make test",
        "coverage run -m pytest",
        "python -m unittest",
        "python -m test.suite",
    ):
        with pytest.raises(AssertionError, match="test_fault"):
            run(project, *command.split())


def test_make_install_makes_the_environment(tmp_path: Path) -> None:
    """From nothing, by hashes; a second time there is nothing to do."""
    project = bake(tmp_path, sample_api="no", ci="none")
    run(project, "make", "install")
    assert (project / ".venv" / "bin" / "flask").exists()
    assert "up to date" in run(project, "make", ".venv/.installed")
