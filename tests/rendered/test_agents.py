"""The commands that AGENTS.md gives to coding agents work."""

import re
from pathlib import Path

import pytest

from harness.environment import install, run
from harness.project import Bake, bake
from harness.readme import shell_block

MAX_LINES = 40


@pytest.mark.full
def test_the_commands_succeed_in_a_fresh_service(tmp_path: Path) -> None:
    """Together they install, format, check and test it."""
    project = install(bake(tmp_path, sample_api="no"))
    output = run(project, "sh", "-ec", shell_block(project / "AGENTS.md", "make format"))
    assert "Required test coverage of 100.0% reached" in output
    assert output.splitlines()[-1].startswith("=")


def test_the_instructions_are_short_and_their_links_work(baked: Bake) -> None:
    """An agent reads them before every task."""
    text = (baked() / "AGENTS.md").read_text("utf-8")
    assert text.count("\n") <= MAX_LINES
    for path in re.findall(r"`((?:main|test|deploy|docs)/[\w./]*)`|\]\(([\w./]+)\)", text):
        assert (baked() / "".join(path)).exists(), path
