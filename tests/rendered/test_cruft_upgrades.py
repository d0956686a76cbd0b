"""`cruft update` brings changes of the template into a service and keeps the team's work."""

import json
from pathlib import Path

import pytest

from harness.project import Bake
from harness.upgrades import OLDER, ServiceRepository, released_template, run_tool

pytestmark = pytest.mark.full


def _create(folder: Path, template: Path, **answers: str) -> ServiceRepository:
    """Bake a service from the older version by `cruft create`."""
    options = ("--no-input", "--checkout", OLDER, "--extra-context", json.dumps(answers))
    run_tool(folder, "cruft", "create", str(template), *options)
    return ServiceRepository(folder / "my-service")


def test_an_update_adds_what_is_new_and_restores_nothing_that_the_team_deleted(
    template_repository: Path, baked: Bake, tmp_path: Path
) -> None:
    """The team has written, edited and deleted files."""
    service = _create(tmp_path, template_repository, cache_backend="redis")
    run_tool(service.project, "cruft", "check", "--checkout", OLDER)
    with pytest.raises(AssertionError, match="out of date"):
        run_tool(service.project, "cruft", "check")
    service.add_books()
    service.delete_sample()
    output = run_tool(service.project, "cruft", "update", "--skip-apply-ask")
    assert "make run" not in output  # the next step after a bake
    run_tool(service.project, "cruft", "check")
    service.assert_updated(baked(cache_backend="redis", sample_api="no"))
    service.assert_passes_its_checks()


def test_an_update_can_change_an_answer(
    tmp_path_factory: pytest.TempPathFactory, baked: Bake, tmp_path: Path
) -> None:
    """The service was baked from the last release and gives up its pipeline."""
    template = released_template(tmp_path_factory.mktemp("released"))
    if template is None:
        pytest.skip("this checkout has no history; to run this test: git fetch --unshallow")
    service = _create(tmp_path, template, cache_backend="file", ci="gitlab")
    service.add_books()
    answers = json.dumps({"ci": "none"})
    update = ("cruft", "update", "--skip-apply-ask", "--variables-to-update", answers)
    run_tool(service.project, *update)
    run_tool(service.project, "cruft", "check")
    service.assert_updated(baked(cache_backend="file", ci="none"))
