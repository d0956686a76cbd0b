"""How many requests a second the whole stack answers: nginx, uWSGI, the application."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks import Row
from tests.bakery import bake, install
from tests.stack import Stack

# What is left when everything that this template adds to Flask is taken away.
BARE = """
from flask import Flask, request

app = Flask("bare")


@app.get("/v1/hello")
def hello():
    return {"message": f"Hello, {request.args.get('name', 'World')}!"}


@app.get("/readyz")
def readyz():
    return {}
"""

TURNS, SECONDS, CLIENTS = 7, 4, 32
HELLO = "/v1/hello?name=Bob"


class FailedError(Exception):
    """Not every request was answered with 200."""


def require_wrk() -> None:
    """End with a sentence where wrk is missing."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed (on Debian: apt-get install wrk).")


def report(url: str, path: str, *script: str, clients: int = CLIENTS) -> str:
    """Return what wrk says of many requests; all of them were answered with 200."""
    options = ["-t1", f"-c{clients}", f"-d{SECONDS}s", "--latency", *script[:2]]
    words = ["wrk", *options, f"{url}{path}", *script[2:]]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        raise FailedError(f"Some requests failed:\n{told}")
    return told


def rate(url: str, path: str = HELLO, *script: str) -> float:
    """Return how many requests a second were answered."""
    found = re.search(r"Requests/sec:\s+([\d.]+)", report(url, path, *script))
    assert found
    return float(found[1])


def load(url: str, clients: int = CLIENTS) -> tuple[float, float]:
    """Return how many greetings a second there were, and the 99th percentile's milliseconds."""
    told = report(url, HELLO, clients=clients)
    found = re.search(r"99%\s+([\d.]+)(us|ms|s) *\n(?s:.*)Requests/sec:\s+([\d.]+)", told)
    assert found, told
    return float(found[3]), float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]]


def hello(folder: Path) -> Iterator[Row]:
    """Ask for a greeting, against bare Flask below the same nginx.conf and uwsgi.ini."""
    require_wrk()
    full = install(bake(folder / "full"))
    bare = install(bake(folder / "bare"))
    (bare / "main" / "wsgi.py").write_text(BARE, "utf-8")
    ours, theirs, kept = [], [], []
    with ExitStack() as stacks:
        plain = stacks.enter_context(Stack(bare))
        unkept = stacks.enter_context(Stack(full, APP_HELLO_MAX_AGE="0"))
        micro = stacks.enter_context(Stack(full, APP_HELLO_MAX_AGE="1"))
        for turn in range(TURNS + 1):
            measured = rate(unkept.url), rate(plain.url), rate(micro.url)
            if turn:  # the first one warms up
                ours.append(measured[0])
                theirs.append(measured[1])
                kept.append(measured[2])
    yield Row("GET /v1/hello", "requests/s", ours, "bare Flask", theirs, "at least 0.80")
    yield Row("the same, micro-cached", "requests/s", kept, "not cached", ours, "at least 3")
