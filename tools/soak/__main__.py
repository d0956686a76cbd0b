"""Run a service under load and faults, for 15 minutes by default.

The cache server is killed or frozen every few seconds, and so are processes of the service's pools.
For two thirds of the time uWSGI also recycles workers and reloads. In the last third workers
live on, because a leak in a worker ends with it.

The status is 0 if no request failed, if memory, descriptors and processes did not grow, and if
each log line was a JSON object.
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from harness.requirements import find, install_command
from tools.soak.runner import prepare, soak


def main() -> None:
    """Soak with and without recycled workers; print a table for each, and the failures."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("minutes", type=float, nargs="?", default=15)
    seconds = parser.parse_args().minutes * 60
    if find("redis-server") is None:
        sys.exit(f"redis-server is not installed; run: {install_command(['redis-server'])}")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit("Interrupted."))
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        project = prepare(Path(folder))
        for title, share in (("recycled", 2 / 3), ("long-lived", 1 / 3)):
            print(f"== {seconds * share:.0f} s with {title} workers", flush=True)
            report = soak(project, seconds * share, recycling=title == "recycled")
            print(*report.rows(), sep="\n", flush=True)
            failures += report.failures()
    if failures:
        sys.exit(f"Failed: {'; '.join(failures)}.")
    print("Passed: no errors, no growth, every log line is JSON.")


if __name__ == "__main__":
    main()
