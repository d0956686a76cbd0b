"""`make mutants`: good suites pass, and weak suites fail."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.project import ROOT

pytestmark = pytest.mark.full

MODULE = '''"""A module with few mutants."""


def is_zero(number: int) -> bool:
    """Return whether a number is zero."""
    return number == 0
'''
SUITE = """import unittest

from main.util.numbers.zero import is_zero


class ZeroTest(unittest.TestCase):
    def test_zero(self) -> None:
        results = [is_zero(number) for number in (-1, 0, 1)]
        {assertion}
"""
STRONG = "self.assertEqual(results, [False, True, False])"
WEAK = "self.assertEqual(len(results), 3)"


def _mutate(folder: Path, assertion: str) -> subprocess.CompletedProcess[str]:
    """Mutate a project with one module, whose suite makes this assertion."""
    files = {
        "main/__init__.py": "",
        "main/util/__init__.py": "",
        "main/util/numbers/__init__.py": "",
        "main/util/numbers/zero.py": MODULE,
        "test/__init__.py": "",
        "test/util/__init__.py": "",
        "test/util/numbers/__init__.py": "",
        "test/util/numbers/test_zero.py": SUITE.format(assertion=assertion),
    }
    project = folder / "project"
    for name, text in files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (project / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    options = ("--project", str(project), "--folder", str(folder / "mutants"))
    return subprocess.run(
        [sys.executable, "-m", "tools.mutation", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_a_suite_that_detects_all_mutants_passes(tmp_path: Path) -> None:
    """The table has a row for the module and one for the total."""
    done = _mutate(tmp_path, STRONG)
    assert done.returncode == 0, done.stderr
    module, total = (line.split() for line in done.stdout.splitlines()[-2:])
    assert (module[1], total[1]) == ("numbers.zero", "total")
    assert int(total[3]) >= 5
    assert total[-3:-1] == ["100.0", "%"]


def test_a_suite_that_misses_mutants_fails(tmp_path: Path) -> None:
    """The survivors are in a file."""
    done = _mutate(tmp_path, WEAK)
    assert done.returncode == 1
    assert "The score is below 92 %." in done.stderr
    survivors = (tmp_path / "mutants" / "numbers.zero.diff").read_text("utf-8")
    assert "+    return number != 0" in survivors
