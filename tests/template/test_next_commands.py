"""A finished bake prints the next commands, and they work."""

import re
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
    assert any("Commit the service to Git before you change it" in line for line in lines)
    change_folder, *targets = [line.strip() for line in lines if line.startswith("  ")]
    assert [target.split("#")[0].strip() for target in targets] == ["make test", "make run"]
    assert run(tmp_path, "sh", "-ec", f"{change_folder}; pwd") == f"{target / 'my-service'}\n"
    run(target / "my-service", "make", "--dry-run", "test", "run")
    assert (target / "my-service" / ".git").is_dir()


@pytest.mark.parametrize("folder", ["", "services"])
def test_a_service_inside_a_repository_gets_no_repository_of_its_own(
    tmp_path: Path, folder: str
) -> None:
    """A team may keep several services in one repository."""
    run(tmp_path, "git", "init", "--quiet")
    target = tmp_path / folder
    done = run_cookiecutter("--no-input", str(ROOT), "--output-dir", str(target), cwd=tmp_path)
    assert "my-service is ready. Next:" in done.stdout
    assert "git init" not in done.stdout


def test_settings_that_are_required_are_named_before_the_server_starts(tmp_path: Path) -> None:
    """Without them, it would not start."""
    done = run_cookiecutter("--no-input", str(ROOT), "auth=jwt", cwd=tmp_path)
    lines = [line.strip() for line in done.stdout.splitlines() if line.startswith("  ")]
    (copy,) = (line for line in lines if line.startswith("cp "))
    assert lines.index(copy) < next(n for n, line in enumerate(lines) if "make run" in line)
    example = (tmp_path / "my-service" / ".env.example").read_text("utf-8")
    names = re.findall(r"APP_\w+", copy)
    assert names == re.findall(r"^(APP_AUTH_\w+)=$", example, re.MULTILINE)[:2]
