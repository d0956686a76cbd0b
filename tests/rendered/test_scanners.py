"""A security scanner finds nothing in images, manifests and pipelines of a service."""

import os
import re
import shutil
from pathlib import Path

import pytest

from harness.environment import run, virtual_environment
from harness.project import ROOT, Bake, all_pairs, label
from harness.requirements import require

pytestmark = pytest.mark.full

# Results of checkov beside those for the image and the manifests.
PIPELINES = {"github": {"github_actions"}, "gitlab": {"gitlab_ci"}, "none": set()}
# Fewer passed checks mean that checkov did not read the files.
MIN_PASSED_CHECKS = 10


@pytest.mark.parametrize("answers", all_pairs("cache_backend", "ci"), ids=label)
def test_checkov_reports_no_failed_check(
    baked: Bake, tmp_path: Path, answers: dict[str, str]
) -> None:
    """Each exception is explained in .checkov.yaml."""
    folder = virtual_environment(ROOT / "requirements" / "checkov.txt")
    # checkov runs kubectl, and reports nothing about manifests that it cannot build.
    path = os.pathsep.join((str(Path(require("kubectl")).parent), os.environ["PATH"]))
    project = shutil.copytree(baked(**answers), tmp_path / "service")
    output = run(project, str(folder / "bin" / "checkov"), "--directory", ".", PATH=path)
    passed = dict(re.findall(r"^(\w+) scan results:\s+Passed checks: (\d+),", output, re.MULTILINE))
    assert set(passed) == {"dockerfile", "kustomize"} | PIPELINES[answers["ci"]]
    assert min(map(int, passed.values())) >= MIN_PASSED_CHECKS
