"""This version beside version one: each runs the same measurements in its own service."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.results import AtMost, Goal, RatioAtMost, Row
from harness.environment import install, run
from harness.project import ROOT, bake, run_cookiecutter
from harness.stack import Stack

COMMIT = "c3fe44b"
WORKER = Path(__file__).with_name("service_worker.py")
TURNS = 9
# Measurement of service_worker.py: its name, unit, and goal.
MEASUREMENTS: dict[str, tuple[str, str, Goal | None]] = {
    "hello": ("GET /v1/hello in process", "µs", RatioAtMost(0.84)),
    "hit": ("hit in memory", "µs", AtMost(3.5)),
    "timed": ("call of a @timed function", "µs", None),
    "thread_map": ("thread_map of 1,000 no-ops", "µs", None),
    "import": ("import of main.wsgi", "s", RatioAtMost(1)),
}
# Measurements of this version alone: ours, the alternative, its name, and the goal for the ratio.
ALTERNATIVES = [
    ("hello", "bare", "bare Flask", 1.51),
    ("timed", "histogram", "Histogram.time()", 1.1),
    ("thread_map", "executor_map", "ThreadPoolExecutor.map", 1.0),
]
Series = dict[str, list[float]]


class VersionOneStack(Stack):
    """The stack of version one, whose entry point is a shell script."""

    def __init__(self, project: Path, **variables: str) -> None:
        super().__init__(project, **variables)
        self.command = [str(project / "deploy" / "entrypoint.sh")]


def version_one(folder: Path) -> Iterator[Row]:
    """Measure both versions alternately."""
    projects = {"ours": bake(folder / "ours"), "theirs": bake_version_one(folder)}
    series: dict[str, Series] = {version: {} for version in projects}
    for project in projects.values():
        install(project)
        shutil.copy(WORKER, project)
    for _ in range(TURNS):
        for version, project in projects.items():
            for name, value in measure(project).items():
                series[version].setdefault(name, []).append(value)
    ours, theirs = series["ours"], series["theirs"]
    for key, (name, unit, goal) in MEASUREMENTS.items():
        yield Row(name, unit, ours[key], "version one", theirs[key], goal)
    for key, other, alternative, limit in ALTERNATIVES:
        name, unit, _ = MEASUREMENTS[key]
        yield Row(name, unit, ours[key], alternative, ours[other], RatioAtMost(limit))


def bake_version_one(folder: Path) -> Path:
    """Bake the default service of version one; exit if this checkout has no history."""
    source, target = folder / "version-one", folder / "theirs"
    clone = subprocess.run(
        ["git", "clone", "--quiet", str(ROOT), str(source)], capture_output=True, check=False
    )
    checkout = ["git", "-C", str(source), "checkout", "--quiet", COMMIT]
    if clone.returncode or subprocess.run(checkout, capture_output=True, check=False).returncode:
        sys.exit(f"Commit {COMMIT} must be in the history of this checkout; run git fetch.")
    done = run_cookiecutter("--no-input", "--output-dir", str(target), str(source), cwd=folder)
    assert done.returncode == 0, done.stderr
    return target / "my-service"


def measure(project: Path) -> dict[str, float]:
    """Return the measurements of one turn."""
    values: dict[str, float] = json.loads(run(project, "python", WORKER.name, PYTHONPATH="."))
    started = time.perf_counter()
    run(project, "python", "-c", "import main.wsgi", PYTHONPATH=".")
    return {**values, "import": time.perf_counter() - started}
