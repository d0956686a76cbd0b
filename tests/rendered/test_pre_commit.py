"""The hooks of pre-commit call make, and stop a commit that fails a check."""

from pathlib import Path

import pytest

from harness.environment import install, run, virtual_environment
from harness.project import ROOT, bake
from harness.upgrades import commit_all, run_tool

LOCK = ROOT / "requirements" / "pre-commit.txt"

pytestmark = pytest.mark.full


def test_a_commit_needs_lint_and_a_push_needs_tests(tmp_path: Path) -> None:
    """An unused import fails `make lint`, a failing test `make test`."""
    project = install(bake(tmp_path, sample_api="no"))
    run_tool(project, "git", "init", "--quiet")
    run_tool(project, "git", "init", "--quiet", "--bare", str(tmp_path / "remote.git"))
    pre_commit = virtual_environment(LOCK) / "bin" / "pre-commit"
    run(project, str(pre_commit), "install", PRE_COMMIT_HOME=str(tmp_path / "home"))
    commit_all(project, "Bake")
    module = project / "test" / "test_new.py"
    module.write_text('"""New."""\n\nimport os\n')
    with pytest.raises(AssertionError, match="F401"):
        commit_all(project, "Add an unused import")
    module.write_text('"""New."""\n\nraise RuntimeError("untested")\n')
    commit_all(project, "Add a failing test")
    with pytest.raises(AssertionError, match="RuntimeError: untested"):
        run_tool(project, "git", "push", str(tmp_path / "remote.git"), "HEAD:main")
    assert run_tool(tmp_path / "remote.git", "git", "branch") == ""
