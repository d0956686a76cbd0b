"""A service with a recipe of docs/recipes.md passes `make lint`, and with all of them its tests."""

from pathlib import Path

import pytest

from harness import recipes
from harness.environment import install, run
from harness.project import ROOT, TEMPLATE, bake

LOCK = ROOT / "requirements" / "recipes.txt"
MAX_LINES = 200


def test_the_document_is_short() -> None:
    """A recipe is a start, not a manual."""
    assert recipes.document(TEMPLATE).read_text("utf-8").count("\n") <= MAX_LINES


@pytest.mark.full
@pytest.mark.parametrize("title", recipes.titles(TEMPLATE))
def test_a_recipe_passes_lint(tmp_path: Path, title: str) -> None:
    """Alone, in a service without the sample."""
    project = install(bake(tmp_path, sample_api="no"), LOCK)
    recipes.prepare(project, title)
    run(project, "make", "lint")


@pytest.mark.full
def test_the_tests_pass_with_all_recipes(tmp_path: Path) -> None:
    """The coverage is not complete: a team writes the tests of what it has added."""
    project = install(bake(tmp_path), LOCK)
    recipes.prepare(project, *recipes.titles(project))
    run(project, "python", "-m", "unittest")
