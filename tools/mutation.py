"""Tell how many mutants of `main/util` the suites of a baked service kill.

A mutant is the service with one small change to its code: a number is another one, a condition
is negated. cosmic-ray makes one after the other and runs the suites that are closest to the
changed module, then, if those noticed nothing, all. What is no Python does not count. Modules
can be chosen: python -m tools.mutants deadline logs
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path

from tests.bakery import BUILD, ROOT, bake, environment, install

FOLDER = BUILD / "mutants"
# Where that is not the suite of the same name alone.
SUITES = {
    "cache_codec": ["cache_codec", "cache"],
    "http_session": ["http"],
    "lanes": ["lanes", "concurrency"],
    "schema": ["schema", "problems"],
}
COUNTS = ("mutants", "killed", "survived", "timed out")
ROW = "| {:22} | {:>7} | {:>6} | {:>8} | {:>9} | {:>7} |"

NO_PYTHON = "no Python"

# The seconds are for all suites. `X | Y` is found in annotations only, and `is` compares the texts
# and small numbers here as `==` does.
CONFIG = """
[cosmic-ray]
module-path = "{path}"
timeout = 60.0
excluded-modules = []
test-command = "sh mutants.sh"
distributor.name = "local"
filters.operators-filter.exclude-operators = [
  "core/ReplaceBinaryOperator_BitOr_.*", "core/ReplaceComparisonOperator_.*_Is(Not)?$",
]
"""
COMMAND = """
test() {{ {python} -W ignore -m unittest --failfast --quiet "$@"; }}
test {suites} && test && exit
{python} -W ignore -m ast {path} >/dev/null || echo "{no_python}"
exit 1
"""


def modules(project: Path) -> list[str]:
    """Return the names of the modules that have code."""
    paths = sorted((project / "main" / "util").glob("*.py"))
    return [path.stem for path in paths if path.stem != "__init__"]


def measure(tools: Path, project: Path, module: str) -> tuple[Counter[str], list[str]]:
    """Try every mutant of a module; return how many had which end, and those that survived.

    This is done to a copy of the project, whose environment is that of all copies.
    """
    path = f"main/util/{module}.py"
    suites = " ".join(f"test.util.test_{each}" for each in SUITES.get(module, [module]))
    python = project / ".venv/bin/python"
    project = shutil.copytree(project, FOLDER / module, ignore=shutil.ignore_patterns(".venv"))
    (project / "mutants.toml").write_text(CONFIG.format(path=path), "utf-8")
    command = COMMAND.format(python=python, path=path, suites=suites, no_python=NO_PYTHON)
    (project / "mutants.sh").write_text(command, "utf-8")

    def cosmic_ray(tool: str, *words: str) -> str:
        done = subprocess.run(
            [tools / tool, *words], cwd=project, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout

    cosmic_ray("cosmic-ray", "baseline", "mutants.toml")
    cosmic_ray("cosmic-ray", "init", "--force", "mutants.toml", "mutants.sqlite")
    cosmic_ray("cr-filter-operators", "mutants.sqlite", "mutants.toml")
    cosmic_ray("cosmic-ray", "exec", "mutants.toml", "mutants.sqlite")
    counts: Counter[str] = Counter()
    survivors = []
    for line in cosmic_ray("cosmic-ray", "dump", "mutants.sqlite").splitlines():
        _, result = json.loads(line)
        if result["worker_outcome"] != "normal" or result["output"].strip() == NO_PYTHON:
            continue
        end = "timed out" if result["output"] == "timeout" else result["test_outcome"]
        counts.update(["mutants", end])
        if end == "survived":
            survivors.append(result["diff"])
    return counts, survivors


def score(counts: Counter[str]) -> float:
    """Return the percentage of mutants that were noticed."""
    return 100 * (counts["killed"] + counts["timed out"]) / counts["mutants"]


def row(name: str, counts: Counter[str]) -> str:
    """Return a row of the table."""
    return ROW.format(name, *(counts[each] for each in COUNTS), f"{score(counts):.1f} %")


def main() -> None:
    """Print the table, a row a module; write those that survived beside the project."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    project = install(bake(FOLDER))
    found = modules(project)
    chosen = sys.argv[1:] or found
    for module in set(chosen).difference(found):
        sys.exit(f"There is no module '{module}': choose from {', '.join(found)}.")
    tools = environment(ROOT / "tests" / "mutants.txt") / "bin"
    total: Counter[str] = Counter()
    print(f"{date.today()}, Python {platform.python_version()}\n")
    print(ROW.format("module", *COUNTS, "score"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        ends = pool.map(partial(measure, tools, project), chosen)
        for module, (counts, survivors) in zip(chosen, ends, strict=True):
            (FOLDER / f"{module}.diff").write_text("\n".join(survivors), "utf-8")
            print(row(module, counts), flush=True)
            total += counts
    print(row("total", total))


if __name__ == "__main__":
    main()
