"""Pages and pipelines mention only make targets that exist."""

import re
from pathlib import Path

from harness.environment import run
from harness.project import ROOT, Bake, combinations

USE = re.compile(r"(?:^|`|- |run: |entry: )make ([a-z-]+(?: [a-z-]+)*)", re.MULTILINE)


def targets(project: Path) -> set[str]:
    """Return the targets that `make help` lists."""
    return set(re.findall(r"^  (\S+) ", run(project, "make", "help"), re.MULTILINE))


def used_targets(project: Path) -> dict[str, set[str]]:
    """Return the targets that each page or pipeline mentions."""
    documents = [
        *project.glob("*.md"),
        *project.glob(".*.y*ml"),
        *project.glob(".github/workflows/*.yml"),
        *project.glob("docs/*.md"),
    ]
    return {
        str(document.relative_to(project)): set(
            " ".join(USE.findall(document.read_text("utf-8"))).split()
        )
        for document in documents
    }


def unknown(project: Path, known: set[str]) -> dict[str, set[str]]:
    """Return the mentioned targets that are not known, by document."""
    return {name: used - known for name, used in used_targets(project).items() if used - known}


def test_a_service_documents_only_targets_that_exist(baked: Bake) -> None:
    """For every combination of choices."""
    for answers in combinations():
        project = baked(**answers)
        assert unknown(project, targets(project)) == {}


def test_the_template_documents_only_targets_that_exist(baked: Bake) -> None:
    """Its pages also mention the targets of a service."""
    assert unknown(ROOT, targets(ROOT) | targets(baked())) == {}
