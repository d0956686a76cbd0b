"""A security scanner finds nothing in the image, the manifests and the pipeline of a service."""

import os
import re
import shutil
from pathlib import Path

import pytest

from harness.environment import run, virtual_environment
from harness.project import CHOICES, ROOT, Bake
from harness.requirements import require

pytestmark = pytest.mark.full

# Fewer passed checks mean that checkov did not read the files.
MIN_PASSED_CHECKS = 10


# The part of an id after "@" is a group for parallel workers, see harness/scheduling.py.
@pytest.mark.parametrize("store", CHOICES["cache_backend"], ids=lambda store: f"{store}@{store}")
def test_checkov_reports_no_failed_check(baked: Bake, tmp_path: Path, store: str) -> None:
    """In one run for all pipelines: half of a run is checkov's start.

    Each exception is explained in the service's own .checkov.yaml.
    """
    for ci in CHOICES["ci"]:
        shutil.copytree(baked(cache_backend=store, ci=ci), tmp_path / ci)
    checkov = virtual_environment(ROOT / "requirements" / "checkov.txt") / "bin" / "checkov"
    settings = str(tmp_path / "none" / ".checkov.yaml")
    # checkov runs kubectl, and reports nothing about manifests that it cannot build.
    path = os.pathsep.join((str(Path(require("kubectl")).parent), os.environ["PATH"]))
    output = run(tmp_path, str(checkov), "--directory", ".", "--config-file", settings, PATH=path)
    found = re.findall(r"^(\w+) scan results:\s+Passed checks: (\d+),", output, re.MULTILINE)
    passed = {framework: int(count) for framework, count in found}
    assert passed.keys() == {"dockerfile", "github_actions", "gitlab_ci", "kustomize"}
    services = {"dockerfile": len(CHOICES["ci"]), "kustomize": len(CHOICES["ci"])}
    for framework, count in passed.items():
        assert count >= MIN_PASSED_CHECKS * services.get(framework, 1), framework
