"""The suites of what is rendered pass, as a team would run them, and their gate can close."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.bakery import bake, combinations, contents, install, label, run
from tests.conftest import Baker

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


@DIFFERING
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs_the_suites(installed: Baker, answers: dict[str, str], command: str) -> None:
    """Each of the ways that the README names."""
    printed = run(installed(**answers), *command.split())
    assert "passed" in printed or "\nOK" in printed


@DIFFERING
def test_make_test_covers_everything(
    installed: Baker, baked: Baker, answers: dict[str, str]
) -> None:
    """All branches, with the reports that pipelines collect; git sees none of them."""
    project = installed(**answers)
    printed = run(project, "make", "test")
    assert "100%" in printed
    coverage = ET.parse(project / "coverage.xml").getroot()
    assert (coverage.get("line-rate"), coverage.get("branch-rate")) == ("1", "1")
    classes = coverage.iter("class")
    assert all((project / "main" / name.get("filename", "")).is_file() for name in classes)
    suite = ET.parse(project / "junit.xml").getroot().find("testsuite")
    assert suite is not None
    assert int(suite.get("tests", "0")) > 50
    assert suite.get("skipped") == "0"
    run(project, "git", "init", "--quiet")
    run(project, "git", "add", "--all")
    assert sorted(run(project, "git", "ls-files").split()) == sorted(contents(baked(**answers)))


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
