"""Measure the cost of a token, in process: a remembered one, and one that is verified."""

import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks.results import DifferenceAtMost, Row
from harness.environment import install, run
from harness.project import bake

WORKER = Path(__file__).with_name("auth_worker.py")
# Microseconds that a token may cost which the worker remembers.
GOAL = DifferenceAtMost(60)


def auth(folder: Path) -> Iterator[Row]:
    """Compare an operation that requires a token with one that is public."""
    project = install(bake(folder, auth="jwt"))
    output = run(project, "python", str(WORKER), PYTHONPATH=str(project))
    for algorithm, series in json.loads(output.splitlines()[-1]).items():
        public = series["public"]
        name = f"request with a {algorithm} token"
        yield Row(f"{name}, verified before", "µs", series["known"], "public", public, GOAL)
        yield Row(f"{name}, new", "µs", series["new"], "public", public)
