"""Measure, and print a row a question: the figure, what it is held against, the goal.

Whatever is compared is measured in turns within one run, since machines differ and are
noisy; medians are shown. Rows can be chosen: python -m benchmarks bake hello hits
"""

import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from benchmarks import Row, caches, commands, containers, rates, work

BENCHMARKS: dict[str, Callable[[Path], Iterator[Row]]] = {
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
}


def main() -> None:
    """Run the benchmarks that are named on the command line, or all."""
    print(f"{date.today()}, Python {platform.python_version()}, {platform.machine()}\n")
    for name in sys.argv[1:] or BENCHMARKS:
        if name not in BENCHMARKS:
            sys.exit(f"There is no benchmark '{name}': choose from {', '.join(BENCHMARKS)}.")
        with tempfile.TemporaryDirectory() as folder:
            for row in BENCHMARKS[name](Path(folder)):
                print(row.line(), flush=True)


if __name__ == "__main__":
    main()
