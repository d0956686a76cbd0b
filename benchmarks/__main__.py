"""Measure, and print a line for each result: ours, the alternative, their ratio, the goal.

Machines differ and are noisy, so ours and the alternative are measured alternately in one run, and
medians are shown. Benchmarks can be chosen: python -m benchmarks bake hello hits
Without a choice all run, and the results go to benchmarks/RESULTS.md, to the table in README.md and
to charts in docs/.
"""

import os
import platform
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import psutil

from benchmarks import (
    auth,
    caches,
    command_times,
    concurrency,
    containers,
    micro_cache,
    rates,
    scaling,
    start_and_stop,
    summary,
    version_one,
)
from benchmarks.results import Curve, Row, markdown
from benchmarks.summary import RESULTS
from harness.containers.resources import remove_resources
from harness.project import TEMPLATE

BENCHMARKS: dict[str, Callable[[Path], Iterator[Row | Curve]]] = {
    "bake": command_times.bake_time,
    "suite": command_times.suite_time,
    "version-one": version_one.version_one,
    "hello": rates.hello,
    "micro-cache": micro_cache.micro_cache,
    "start-and-stop": start_and_stop.start_and_stop,
    "auth": auth.auth,
    "hits": caches.hits,
    "stampede": caches.stampede,
    "outage": caches.outage,
    "primes": caches.primes,
    "concurrency": concurrency.concurrency,
    "fan-out": concurrency.fan_out,
    "containers": containers.containers,
    "scaling": scaling.scaling,
}
# Programs and packages whose versions influence the results.
PROGRAMS = (("nginx", "-v"), ("memcached", "-V"), ("redis-server", "--version"), ("wrk", "-v"))
VERSION = r"(nginx/|memcached |Redis server v=|wrk )[\w./-]+"
PACKAGES = r"^((?:flask|flask-smorest|pyuwsgi|redis)==\S+)"


def main() -> None:
    """Run the benchmarks that the command line names, or all."""
    print(f"{describe_machine()}\n")
    results: list[Row | Curve] = []
    chosen = sys.argv[1:]
    for name in chosen:
        if name not in BENCHMARKS:
            sys.exit(f"BENCHMARK must be one of {', '.join(BENCHMARKS)}; got {name}")
    failed = []
    try:
        for name in chosen or BENCHMARKS:
            try:
                run(name, results)
            except Exception:
                # All take half an hour, so the others go on.
                traceback.print_exc()
                failed.append(name)
            if not chosen:
                RESULTS.write_text(report(results), "utf-8")
                summary.update()
    finally:
        remove_resources()
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}. The tracebacks are above.")


def run(name: str, results: list[Row | Curve]) -> None:
    """Run a benchmark; print its results and add them to the list."""
    with tempfile.TemporaryDirectory() as folder:
        for result in BENCHMARKS[name](Path(folder)):
            print(result.text(), flush=True)
            results.append(result)


def describe_machine() -> str:
    """Return the date, the machine, and the versions of what is measured."""
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text("utf-8")
    except FileNotFoundError:
        cpuinfo = ""
    model = re.search(r"^model name\s*: (.*)$", cpuinfo, re.MULTILINE)
    processor = model[1] if model else platform.processor() or platform.machine()
    memory = psutil.virtual_memory().total / 1e9
    lock = TEMPLATE / "_options/auth+cache_backend/none+redis/requirements.txt"
    versions = [
        f"{platform.system()} {platform.release()}",
        f"Python {platform.python_version()}",
        *(found[0] for command in PROGRAMS if (found := re.search(VERSION, output(*command)))),
        *re.findall(PACKAGES, lock.read_text("utf-8"), re.MULTILINE),
    ]
    return (
        f"{date.today()}, {os.cpu_count()} processors, {processor}, {memory:.0f} GB of memory; "
        f"{', '.join(versions)}"
    )


def output(*command: str) -> str:
    """Return the output of a command; nothing if the program is missing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout + done.stderr


def report(results: list[Row | Curve]) -> str:
    """Return the page of all results."""
    rows = [each.cells() for each in results if isinstance(each, Row)]
    curves = [
        f"![{each.name}, by {each.by}](../docs/{each.file}.svg)\n\n{each.text()}\n"
        for each in results
        if isinstance(each, Curve)
    ]
    return "\n".join(
        [
            "# Benchmark results\n",
            f"`make bench` wrote this page. {describe_machine()}.\n",
            "All numbers are medians.",
            "Ours and the alternative were measured alternately in one run.",
            "Ratios say more than numbers, because machines differ.\n",
            markdown([list(Row.HEAD), *rows]),
            "\n## Scaling\n",
            "A cell is empty where requests failed, or where the store cannot hold the keys.\n",
            *curves,
        ]
    )


if __name__ == "__main__":
    main()
