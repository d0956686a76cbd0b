"""`make test` and the other commands that docs/operations.md lists fail where they should.

The service is the default one with its code and tests replaced by one function, so that a run
takes a second.
"""

from pathlib import Path

import pytest

from harness.environment import install, run
from harness.project import bake, replace_once
from harness.readme import shell_block

CODE = '''
"""The code of the smallest service."""


def sign(number: int) -> int:
    """Return 1 or -1."""
    if number < 0:
        return -1
    return 1
'''
TEST = """
import unittest

from main.sign import sign


class SignTest(unittest.TestCase):
    def test_positive(self) -> None:
        self.assertEqual(sign(7), 1)

    def test_negative(self) -> None:
        self.assertEqual(sign(-7), -1)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a service that consists of CODE and TEST."""
    service = install(bake(tmp_path, sample_api="no"))
    for folder in ("main", "test", "deploy"):
        for path in (service / folder).rglob("*.py"):
            if path.name != "suite.py":
                path.unlink()
    for folder in ("main", "test"):
        (service / folder / "__init__.py").touch()
    (service / "main" / "sign.py").write_text(CODE.lstrip(), "utf-8")
    (service / "test" / "test_sign.py").write_text(TEST.lstrip(), "utf-8")
    return service


def _commands(project: Path) -> list[str]:
    return [
        "make test",
        *shell_block(project / "docs" / "operations.md", "coverage run").splitlines(),
    ]


def test_every_documented_command_finds_the_tests(project: Path) -> None:
    """All five find the same two."""
    for command in _commands(project):
        output = run(project, *command.split())
        assert "2 passed" in output or "Ran 2 tests" in output, output


def test_a_failing_test_fails_every_documented_command(project: Path) -> None:
    """No command reports success, and each names the test."""
    replace_once(project / "test" / "test_sign.py", {"sign(7), 1)": "sign(7), 2)"})
    for command in _commands(project):
        with pytest.raises(AssertionError, match="test_positive"):
            run(project, *command.split())


def test_a_branch_without_a_test_fails_make_test(project: Path) -> None:
    """The suites pass, and the coverage of 83 % does not."""
    replace_once(project / "test" / "test_sign.py", {"sign(-7), -1)": "sign(8), 1)"})
    with pytest.raises(AssertionError, match="2 passed") as raised:
        run(project, "make", "test")
    assert "Required test coverage of 100.0% not reached" in str(raised.value)
