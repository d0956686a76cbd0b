"""A service passes its checks after `make delete-sample`."""

from pathlib import Path

import pytest

from harness.environment import install, run
from harness.project import CHOICES, bake, combinations, label

# Pipelines do not differ in code.
DEFAULT, *OTHERS = combinations(*(name for name in CHOICES if name not in ("sample_api", "ci")))


@pytest.mark.parametrize(
    "answers",
    [DEFAULT, *(pytest.param(answers, marks=pytest.mark.full) for answers in OTHERS)],
    ids=label,
)
def test_lint_and_tests_pass_without_the_sample(tmp_path: Path, answers: dict[str, str]) -> None:
    """The target has deleted itself, too."""
    project = install(bake(tmp_path, **answers))
    assert run(project, "make", "delete-sample").endswith("Next: make lint test\n")
    run(project, "make", "lint", "test")
    assert "delete-sample" not in run(project, "make", "help")
