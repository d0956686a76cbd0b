"""`make lint` accepts rendered services, and rejects faults."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.environment import install, run
from harness.project import CHOICES, Bake, all_pairs, bake, label

# The other options add no Python files.
OPTIONS = [option for option in CHOICES if option != "ci"]
FAULTS = {
    "ruff check": "import os\n",
    "ruff format": "x = {'a':1}\n",
    "mypy": 'x: int = "a"\n',
}


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


@pytest.mark.full
@pytest.mark.parametrize("tool", FAULTS)
def test_a_fault_fails_lint(tmp_path: Path, tool: str) -> None:
    """Each of the three tools finds its own."""
    project = install(bake(tmp_path))
    (project / "main" / "faulty.py").write_text(f'"""Faulty."""\n\n{FAULTS[tool]}')
    with pytest.raises(AssertionError, match=r"main.faulty\.py") as raised:
        run(project, "make", "lint")
    commands = re.findall(r"^(ruff \w+|mypy)", str(raised.value), re.MULTILINE)
    assert commands[-1] == tool
