"""Rendered services pass their own linters. tests/meta/faults.yaml proves that they can fail."""

import pytest

from harness.environment import run
from harness.project import Bake
from harness.variants import variants


@pytest.mark.parametrize("answers", variants())
def test_a_rendered_service_passes_its_own_lint(installed: Bake, answers: dict[str, str]) -> None:
    """With the settings and the versions of the tools that the team gets."""
    run(installed(**answers), "make", "lint")
