"""Measure, and print a row a question: the figure, what it is held against, the goal.

Whatever is compared is measured in turns within one run, since machines differ and are
noisy; medians are shown. Rows can be chosen: python -m benchmarks bake hello hits
Without a choice all is measured, and written to benchmarks/RESULTS.md with its pictures.
"""

import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import psutil

from benchmarks import Curve, Row, caches, commands, containers, growth, rates, work
from tests.bakery import ROOT

BENCHMARKS: dict[str, Callable[[Path], Iterator[Row | Curve]]] = {
    "bake": commands.bake_time,
    "suite": commands.suite_time,
    "hello": rates.hello,
    "hits": caches.hits,
    "stampede": caches.stampede,
    "down": caches.down,
    "primes": caches.primes,
    "work": work.work,
    "fan-out": work.fan_out,
    "containers": containers.containers,
    "growth": growth.growth,
}
RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> None:
    """Run the benchmarks that are named on the command line, or all."""
    print(f"{machine()}\n")
    found: list[Row | Curve] = []
    for name in sys.argv[1:] or BENCHMARKS:
        if name not in BENCHMARKS:
            sys.exit(f"There is no benchmark '{name}': choose from {', '.join(BENCHMARKS)}.")
        with tempfile.TemporaryDirectory() as folder:
            for each in BENCHMARKS[name](Path(folder)):
                print(each.line() if isinstance(each, Row) else markdown(each.table()), flush=True)
                found.append(each)
        if not sys.argv[1:]:  # as far as it is by now: all of it takes half an hour
            RESULTS.write_text(report(found), "utf-8")


def machine() -> str:
    """Say when, on what, and with which versions it was measured."""
    try:
        told = Path("/proc/cpuinfo").read_text("utf-8")
    except FileNotFoundError:
        told = ""
    model = re.search(r"^model name\s*: (.*)$", told, re.MULTILINE)
    processor = model[1] if model else platform.processor() or platform.machine()
    memory = psutil.virtual_memory().total / 1e9
    versions = [
        f"{platform.system()} {platform.release()}",
        f"Python {platform.python_version()}",
        *(
            found[0]
            for words in (("nginx", "-v"), ("memcached", "-V"), ("wrk", "-v"))
            if (found := re.search(r"(nginx/|memcached |wrk )[\w./-]+", version(*words)))
        ),
    ]
    lock = ROOT / "{{cookiecutter.service_slug}}/_options/cache_backend/redis/requirements.txt"
    wanted = r"^((?:flask|flask-smorest|pyuwsgi|redis)==\S+)"
    versions += re.findall(wanted, lock.read_text("utf-8"), re.MULTILINE)
    return (
        f"{date.today()}, {os.cpu_count()} processors, {processor}, {memory:.0f} GB of memory; "
        f"{', '.join(versions)}"
    )


def version(*words: str) -> str:
    """Return what a program says of itself, nothing if it is not here."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout + done.stderr


def markdown(lines: list[list[str]]) -> str:
    """Return a table, its first line the head."""
    head, *others = lines
    rule = ["---"] * len(head)
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *others))


def report(found: list[Row | Curve]) -> str:
    """Return the page of all results."""
    head = ["what", "ours", "against", "ratio", "goal"]
    rows = [each.cells() for each in found if isinstance(each, Row)]
    curves = [
        f"![{each.what}, by {each.by}](../docs/{each.file}.svg)\n\n{markdown(each.table())}\n"
        for each in found
        if isinstance(each, Curve)
    ]
    return "\n".join(
        [
            "# What it costs\n",
            f"By `make bench`. {machine()}.\n",
            "All are medians. What is compared was measured in turns, in one run: ratios tell more",
            "than figures.\n",
            markdown([head, *rows]),
            "\n## How it grows\n",
            "Where a cell is empty, some requests failed, or the store holds no more.\n",
            *curves,
        ]
    )


if __name__ == "__main__":
    main()
