"""How long whole commands take."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import Row
from tests.bakery import ROOT, bake, install, run

COOKIECUTTER = (sys.executable, "-m", "cookiecutter")


def seconds(*words: str, cwd: Path) -> float:
    """Return how long a command takes; raise if it fails."""
    started = time.perf_counter()
    subprocess.run(words, cwd=cwd, check=True, capture_output=True)
    return time.perf_counter() - started


def bake_time(folder: Path) -> Iterator[Row]:
    """Bake as a team does, against cookiecutter that does nothing."""
    ours, theirs = [], []
    for turn in range(15):
        target = str(folder / str(turn))
        ours.append(seconds(*COOKIECUTTER, "--no-input", "-o", target, str(ROOT), cwd=folder))
        theirs.append(seconds(*COOKIECUTTER, "--help", cwd=folder))
    yield Row("bake", "s", ours, "cookiecutter --help", theirs, "under 0.25 s in all")


def suite_time(folder: Path) -> Iterator[Row]:
    """Run the rendered `make test` in an installed environment, against an empty pytest."""
    project = install(bake(folder))
    empty = folder / "empty"
    empty.mkdir()
    (empty / "test_nothing.py").write_text("def test_nothing(): pass\n")
    python = str(project / ".venv" / "bin" / "python")
    ours, theirs = [], []
    for _ in range(3):
        started = time.perf_counter()
        run(project, "make", "test")
        ours.append(time.perf_counter() - started)
        theirs.append(seconds(python, "-m", "pytest", cwd=empty))
    yield Row("make test of a service", "s", ours, "one empty test", theirs, "under 15 s")
