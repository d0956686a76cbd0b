"""A service that cookiecutter baked follows the template by the commands of docs/operations.md."""

from pathlib import Path

import pytest

from harness.project import VERSION, Bake
from harness.readme import shell_block
from harness.upgrades import OLDER, ServiceRepository, commit_all, run_tool

pytestmark = pytest.mark.full


def _bake(folder: Path, template: Path, **answers: str) -> ServiceRepository:
    """Bake a service from the older version by `cookiecutter`."""
    given = [f"{question}={answer}" for question, answer in answers.items()]
    address = f"git+file://{template}"
    run_tool(folder, "cookiecutter", "--no-input", "--checkout", OLDER, address, *given)
    return ServiceRepository(folder / "my-service")


def test_a_service_can_be_linked_to_the_template_and_updated_by_cruft(
    template_repository: Path, baked: Bake, tmp_path: Path
) -> None:
    """docs/operations.md shows how."""
    service = _bake(tmp_path, template_repository, ci="gitlab")
    service.add_books()
    commands = shell_block(service.project / "docs" / "operations.md", "cruft link")
    commands = commands.replace(f"v{VERSION}", OLDER)
    run_tool(service.project, "sh", "-ec", commands, TEMPLATE=str(template_repository))
    run_tool(service.project, "cruft", "check")
    service.assert_updated(baked(ci="gitlab"))


def test_git_merges_a_newer_template_and_a_changed_answer(
    template_repository: Path, baked: Bake, tmp_path: Path
) -> None:
    """docs/operations.md shows how to do without cruft."""
    service = _bake(tmp_path, template_repository, cache_backend="uwsgi")
    service.add_books()
    service.edit(".cookiecutterrc", 'ci: "github"', 'ci: "none"')
    commit_all(service.project, "Do without GitHub")
    commands = shell_block(service.project / "docs" / "operations.md", "git merge")
    run_tool(service.project, "sh", "-ec", commands, TEMPLATE=str(template_repository))
    service.assert_updated(baked(cache_backend="uwsgi", ci="none"))
    service.assert_passes_its_checks()
