"""The service of docker-compose.yml reads a secret as docs/operations.md shows."""

import re
import shutil
from pathlib import Path

import yaml

from harness.environment import run
from harness.project import Bake


def test_git_ignores_the_file_that_the_setting_names(baked: Bake, tmp_path: Path) -> None:
    """Compose mounts the file below /run/secrets."""
    project = shutil.copytree(baked(), tmp_path / "my-service")
    document = (project / "docs" / "operations.md").read_text("utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    shown = yaml.safe_load(block)
    ((name, secret),) = shown["secrets"].items()
    service = {"environment": {f"{name}_FILE": f"/run/secrets/{name}"}, "secrets": [name]}
    assert shown["services"] == {"my-service": service}
    run(project, "git", "init", "--quiet")
    assert run(project, "git", "check-ignore", secret["file"]).strip() == f"secrets/{name}"
