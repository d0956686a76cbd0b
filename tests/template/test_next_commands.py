"""A finished bake prints the next commands, and they work."""

from pathlib import Path

import pytest

from harness.environment import run
from harness.project import ROOT, run_cookiecutter


@pytest.mark.parametrize("folder", ["plain", "with a blank"])
def test_the_next_commands_follow_a_bake(tmp_path: Path, folder: str) -> None:
    """They can be pasted into a shell, wherever the service was baked."""
    target = tmp_path / folder
    done = run_cookiecutter("--no-input", str(ROOT), "--output-dir", str(target), cwd=tmp_path)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert "my-service is ready. Next:" in lines
    change_folder, *targets = [line.strip() for line in lines if line.startswith("  ")]
    assert [target.split("#")[0].strip() for target in targets] == ["make test", "make run"]
    assert run(tmp_path, "sh", "-ec", f"{change_folder}; pwd") == f"{target / 'my-service'}\n"
    run(target / "my-service", "make", "--dry-run", "test", "run")
