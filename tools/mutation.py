"""Measure how many mutants of `main/util` the unit suites of a rendered service detect.

A mutant is the service with one small change to its code, such as another number or a negated
condition. cosmic-ray makes each mutant in turn and runs the closest suite, then all suites if
that one passed. Mutants that are not valid Python do not count.

Modules can be chosen by their names below main/util: python -m tools.mutation cache.codec
"""

import argparse
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from harness.environment import install, virtual_environment
from harness.project import BUILD, ROOT, bake

LOCK = ROOT / "requirements" / "mutation.txt"
FOLDER = BUILD / "mutants"
UTIL = Path("main", "util")
# Percent. Below it `make mutants` fails.
MINIMUM_SCORE = 92.0
COUNTS = ("mutants", "killed", "survived", "timed out")
ROW = "| {:32} | {:>7} | {:>6} | {:>8} | {:>9} | {:>7} |"
NOT_PYTHON = "not Python"

# The timeout in seconds is for all suites. The excluded operators make equivalent mutants only:
# `X | Y` occurs in annotations, and `is` compares texts, small numbers and classes as `==` does.
CONFIG = """
[cosmic-ray]
module-path = "{path}"
timeout = 60.0
excluded-modules = []
test-command = "sh mutants.sh"
distributor.name = "local"
filters.operators-filter.exclude-operators = [
  "core/ReplaceBinaryOperator_BitOr_.*", "core/ReplaceComparisonOperator_.*_Is(Not)?$",
  "core/ReplaceComparisonOperator_Is_Eq$", "core/ReplaceComparisonOperator_IsNot_NotEq$",
]
"""
COMMAND = """
test() {{ {python} -W ignore -m unittest "$@"; }}
test {closest} && test discover --failfast --quiet && exit
{python} -W ignore -m ast {path} >/dev/null || echo "{not_python}"
exit 1
"""


def modules(project: Path) -> dict[str, Path]:
    """Return the path of each module below main/util that has code, by its dotted name there."""
    paths = (path.relative_to(project) for path in sorted((project / UTIL).rglob("*.py")))
    return {
        ".".join(path.relative_to(UTIL).with_suffix("").parts): path
        for path in paths
        if path.name != "__init__.py"
    }


def closest_suite(project: Path, module: Path) -> list[str]:
    """Return the arguments with which unittest runs the suite that is closest to a module.

    It is test/util/…/test_MODULE.py, or else the nearest folder of tests.
    """
    mirrored = Path("test", *module.parts[1:])
    suite = mirrored.with_name(f"test_{mirrored.name}")
    if (project / suite).exists():
        return ["--failfast", "--quiet", ".".join(suite.with_suffix("").parts)]
    folder = next(each for each in mirrored.parents if any((project / each).glob("test_*.py")))
    return ["discover", "--failfast", "--quiet", "-s", folder.as_posix(), "-t", "."]


class Mutation:
    """Mutates modules of an installed project, each in a copy of the project below `folder`."""

    def __init__(self, project: Path, folder: Path) -> None:
        self.project = project
        self.folder = folder
        self.tools = virtual_environment(LOCK) / "bin"

    def measure(self, name: str, path: Path) -> Counter[str]:
        """Try every mutant of a module; return the counts, and write survivors to NAME.diff."""
        copy = self.folder / name
        shutil.copytree(self.project, copy, ignore=shutil.ignore_patterns(".venv"))
        (copy / "mutants.toml").write_text(CONFIG.format(path=path.as_posix()), "utf-8")
        command = COMMAND.format(
            python=shlex.quote(str(self.project / ".venv" / "bin" / "python")),
            path=path.as_posix(),
            closest=shlex.join(closest_suite(self.project, path)),
            not_python=NOT_PYTHON,
        )
        (copy / "mutants.sh").write_text(command, "utf-8")

        counts: Counter[str] = Counter()
        survivors = []
        for result in self._results(copy):
            outcome = "timed out" if result["output"] == "timeout" else result["test_outcome"]
            counts.update(["mutants", outcome])
            if outcome == "survived":
                survivors.append(result["diff"])
        (self.folder / f"{name}.diff").write_text("\n".join(survivors), "utf-8")
        return counts

    def _results(self, copy: Path) -> Iterator[dict[str, str]]:
        """Run cosmic-ray in a copy; yield its result for each mutant that is valid Python."""
        self._run(copy, "cosmic-ray", "baseline", "mutants.toml")
        self._run(copy, "cosmic-ray", "init", "--force", "mutants.toml", "mutants.sqlite")
        self._run(copy, "cr-filter-operators", "mutants.sqlite", "mutants.toml")
        self._run(copy, "cosmic-ray", "exec", "mutants.toml", "mutants.sqlite")
        for line in self._run(copy, "cosmic-ray", "dump", "mutants.sqlite").splitlines():
            _, result = json.loads(line)
            if result["worker_outcome"] == "normal" and result["output"].strip() != NOT_PYTHON:
                yield result

    def _run(self, copy: Path, tool: str, *arguments: str) -> str:
        command = [str(self.tools / tool), *arguments]
        done = subprocess.run(command, cwd=copy, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout


def score(counts: Counter[str]) -> float:
    """Return the percentage of mutants that were detected; 100 if there were none."""
    detected = counts["killed"] + counts["timed out"]
    return 100 * detected / counts["mutants"] if counts["mutants"] else 100.0


def row(name: str, counts: Counter[str]) -> str:
    """Return a row of the table."""
    return ROW.format(name, *(counts[each] for each in COUNTS), f"{score(counts):.1f} %")


def main() -> None:
    """Print a row for each module and the total; fail below MINIMUM_SCORE."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.mutation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="default: all")
    parser.add_argument("--project", type=Path, help="an installed service; default: bakes one")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"default: {FOLDER}")
    arguments = parser.parse_args()

    folder = arguments.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    project = arguments.project or install(bake(folder))
    found = modules(project)
    chosen = arguments.modules or list(found)
    for name in set(chosen) - set(found):
        parser.error(f"MODULE must be one of {', '.join(found)}; got {name}")

    mutation = Mutation(project, folder)
    total: Counter[str] = Counter()
    print(f"{date.today()}, Python {platform.python_version()}\n")
    print(ROW.format("module", *COUNTS, "score"))
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        results = executor.map(lambda name: mutation.measure(name, found[name]), chosen)
        for name, counts in zip(chosen, results, strict=True):
            print(row(name, counts), flush=True)
            total += counts
    print(row("total", total))
    if score(total) < MINIMUM_SCORE:
        sys.exit(f"The score is below {MINIMUM_SCORE:g} %. Survivors: {folder}/*.diff")


if __name__ == "__main__":
    main()
