"""Rendered services pass their own linters. tests/meta/faults.yaml proves that they can fail."""

from collections.abc import Sequence

import pytest

from harness.environment import run
from harness.project import CHOICES, Bake, all_pairs, label

# The other options add no Python files.
OPTIONS = [option for option in CHOICES if option != "ci"]


def services() -> Sequence[object]:
    """Return answers for each pair of choices; only the first ones of a store are not `full`."""
    parameters = []
    stores = set()
    for answers in all_pairs(*OPTIONS):
        known = answers["cache_backend"] in stores
        stores.add(answers["cache_backend"])
        marks = [pytest.mark.full] if known else []
        parameters.append(pytest.param(answers, id=label(answers), marks=marks))
    return parameters


@pytest.mark.parametrize("answers", services())
def test_a_rendered_service_passes_its_own_lint(installed: Bake, answers: dict[str, str]) -> None:
    """With the settings and the versions of the tools that the team gets."""
    run(installed(**answers), "make", "lint")
