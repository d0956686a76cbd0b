"""Measure rates and response times with wrk."""

import re
import shutil
import subprocess
import sys

SECONDS, CLIENTS = 4, 32
HELLO = "/v1/hello?name=Bob"
MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


class FailedRequestsError(Exception):
    """Some responses were missing, or had a status other than 2xx and 3xx."""


def require_wrk() -> None:
    """Exit with a message if wrk is missing."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed; run: apt-get install wrk")


def run_wrk(
    url: str, path: str, *script: str, clients: int = CLIENTS, seconds: int = SECONDS
) -> str:
    """Send requests for some seconds; return wrk's report.

    `script` is "-s", a Lua file, "--" and its arguments, if any. Raises `FailedRequestsError`.
    """
    options = ["-t1", f"-c{clients}", f"-d{seconds}s", "--latency", *script[:2]]
    command = ["wrk", *options, f"{url}{path}", *script[2:]]
    report = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in report or "Socket errors" in report:
        raise FailedRequestsError(f"Some requests failed:\n{report}")
    return report


def rate(url: str, path: str = HELLO, *script: str) -> float:
    """Return the number of requests per second."""
    found = re.search(r"Requests/sec:\s+([\d.]+)", run_wrk(url, path, *script))
    assert found
    return float(found[1])


def rate_and_tail(url: str, clients: int = CLIENTS, seconds: int = SECONDS) -> tuple[float, float]:
    """Return the number of greetings per second and the 99th percentile in milliseconds."""
    report = run_wrk(url, HELLO, clients=clients, seconds=seconds)
    found = re.search(r"99%\s+([\d.]+)(us|ms|s) *\n(?s:.*)Requests/sec:\s+([\d.]+)", report)
    assert found, report
    return float(found[3]), float(found[1]) * MILLISECONDS[found[2]]
