"""A bake is repeatable, works offline, and its hook may run again."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.project import (
    CHOICES,
    ROOT,
    Bake,
    bake,
    bake_over,
    combinations,
    contents,
    label,
    run_cookiecutter,
)


@pytest.mark.parametrize("answers", combinations(), ids=label)
def test_equal_answers_make_equal_services(
    baked: Bake, tmp_path: Path, answers: dict[str, str]
) -> None:
    """To the byte, in another folder and over files that differ or are missing."""
    original = baked(**answers)
    files = contents(original)
    project = shutil.copytree(original, tmp_path / original.name)
    (project / "main" / "settings.py").unlink()
    for path in project.rglob("*"):
        if path.is_file():
            path.write_bytes(b"changed")
    bake_over(tmp_path, **answers)
    assert contents(project) == files


def test_a_bake_opens_no_connection(tmp_path: Path) -> None:
    """Neither cookiecutter nor a hook creates a socket."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "def deny(event, arguments):\n"
        "    if event.startswith('socket.'):\n"
        "        raise PermissionError(event)\n"
        "sys.addaudithook(deny)\n"
    )
    offline = {"PYTHONPATH": str(tmp_path)}
    probe = [sys.executable, "-c", "import socket; socket.socket()"]
    assert subprocess.run(probe, env=offline, capture_output=True, check=False).returncode == 1
    done = run_cookiecutter("--no-input", str(ROOT), cwd=tmp_path, **offline)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "my-service" / "Makefile").is_file()


def test_the_hook_may_run_again(tmp_path: Path) -> None:
    """Tools that update a project run it several times, also over an older version's files."""
    project = bake(tmp_path)
    before = contents(project)
    hook = (ROOT / "hooks" / "post_gen_project.py").read_text("utf-8")
    answers = json.dumps({option: choices[0] for option, choices in CHOICES.items()})
    script = re.sub(r"\{\{.*?\}\}", lambda _: answers, hook)
    for _ in range(2):
        subprocess.run([sys.executable, "-c", script], cwd=project, check=True)
        assert contents(project) == before
    for path in ("main/settings.py", "_options/sample_api/yes/main/settings.py"):
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(path)
    subprocess.run([sys.executable, "-c", script], cwd=project, check=True)
    after = contents(project)
    assert after.keys() == before.keys()
    assert after["main/settings.py"].startswith(b"_options/")
