"""`make delete-sample` leaves a service like one that was baked without the sample."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.project import CHOICES, Bake, combinations, contents, label
from harness.requirements import require

ANSWERS = ".cookiecutterrc"
OTHERS = combinations(*(option for option in CHOICES if option != "sample_api"))


def delete_sample(project: Path) -> None:
    """Run the recipe of the target with the tools of this environment."""
    subprocess.run([sys.executable, "delete_sample.py"], cwd=project, check=True)
    ruff, options = require("ruff"), ("--no-cache", "--quiet")
    subprocess.run([ruff, "check", "--fix", *options], cwd=project, check=True)
    subprocess.run([ruff, "format", *options], cwd=project, check=True)


@pytest.mark.parametrize("answers", OTHERS, ids=label)
def test_the_service_equals_one_that_never_had_a_sample(
    baked: Bake, tmp_path: Path, answers: dict[str, str]
) -> None:
    """Only its answers differ: `cruft update` needs those that the service was made from."""
    project = shutil.copytree(baked(**answers, sample_api="yes"), tmp_path / "my-service")
    delete_sample(project)
    left = contents(project)
    assert b'sample_api: "yes"' in left[ANSWERS]
    left[ANSWERS] = left[ANSWERS].replace(b'sample_api: "yes"', b'sample_api: "no"')
    assert left == contents(baked(**answers, sample_api="no"))


def test_a_file_of_the_team_beside_those_of_the_sample_stays(baked: Bake, tmp_path: Path) -> None:
    """Only an empty folder is deleted."""
    project = shutil.copytree(baked(), tmp_path / "my-service")
    own = project / "test" / "resources" / "books.json"
    own.write_text("[]\n", "utf-8")
    delete_sample(project)
    assert list(own.parent.iterdir()) == [own]


def test_files_that_the_team_has_deleted_are_skipped(baked: Bake, tmp_path: Path) -> None:
    """Git keeps no empty folder, so test/resources is missing after a clone."""
    project = shutil.copytree(baked(), tmp_path / "my-service")
    shutil.rmtree(project / "test" / "resources")
    (project / ".env.example").unlink()
    delete_sample(project)
    assert "hello" not in (project / "main" / "controller" / "__init__.py").read_text("utf-8")
