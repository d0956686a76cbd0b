"""The duration of whole commands."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.results import AtMost, Row
from harness.environment import install, run
from harness.project import ROOT, bake

COOKIECUTTER = (sys.executable, "-m", "cookiecutter")


def duration(*command: str, cwd: Path) -> float:
    """Return the seconds that a command takes; raise an exception if it fails."""
    started = time.perf_counter()
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)
    return time.perf_counter() - started


def bake_time(folder: Path) -> Iterator[Row]:
    """Bake on the command line; compare with the start of cookiecutter alone."""
    ours, theirs = [], []
    for turn in range(15):
        target = str(folder / str(turn))
        ours.append(duration(*COOKIECUTTER, "--no-input", "-o", target, str(ROOT), cwd=folder))
        theirs.append(duration(*COOKIECUTTER, "--help", cwd=folder))
    yield Row("bake", "s", ours, "cookiecutter --help", theirs, AtMost(1))


def suite_time(folder: Path) -> Iterator[Row]:
    """Run a service's `make test` in an installed environment; compare with an empty suite."""
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
        theirs.append(duration(python, "-m", "pytest", cwd=empty))
    yield Row("make test of a service", "s", ours, "one empty test", theirs, AtMost(10))
