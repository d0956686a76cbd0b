"""A service passes its checks after `make delete-sample`.

`tests/template/test_delete_sample.py` compares every other service with one that never had a
sample, whose checks `test_suites.py` and `test_lint.py` run.
"""

from pathlib import Path

import pytest

from harness.environment import install, run
from harness.project import bake


@pytest.mark.parametrize("auth", ["none", pytest.param("jwt", marks=pytest.mark.full)])
def test_lint_and_tests_pass_without_the_sample(tmp_path: Path, auth: str) -> None:
    """The target has deleted itself, too."""
    project = install(bake(tmp_path, auth=auth))
    assert run(project, "make", "delete-sample").endswith("Next: make lint test\n")
    run(project, "make", "lint", "test")
    assert "delete-sample" not in run(project, "make", "help")
