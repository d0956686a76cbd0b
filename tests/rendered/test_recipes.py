"""A service with a recipe of its documents passes `make lint test`, and so does one with all."""

from pathlib import Path

import pytest

from harness import recipes
from harness.environment import install, run
from harness.project import ROOT, TEMPLATE, bake

LOCK = ROOT / "requirements" / "recipes.txt"
MAX_LINES = 200


@pytest.mark.parametrize("document", recipes.documents(TEMPLATE), ids=lambda path: path.name)
def test_a_document_is_short(document: Path) -> None:
    """A recipe is a start, not a manual."""
    assert document.read_text("utf-8").count("\n") <= MAX_LINES


@pytest.mark.full
@pytest.mark.parametrize("title", [*recipes.titles(TEMPLATE), "Require an API key"])
def test_a_recipe_passes_the_checks(tmp_path: Path, title: str) -> None:
    """Alone, in a service without the sample; each line has a test."""
    project = install(bake(tmp_path, sample_api="no"), LOCK)
    recipes.prepare(project, title)
    run(project, "make", "lint", "test")


@pytest.mark.full
def test_all_recipes_pass_the_checks(tmp_path: Path) -> None:
    """Together, in a service with the sample."""
    project = install(bake(tmp_path), LOCK)
    recipes.prepare(project, *recipes.titles(project))
    run(project, "make", "lint", "test")
