"""Requests per second of the whole stack: nginx, uWSGI and the application."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.results import RatioAtLeast, Row
from benchmarks.wrk import rate, require_wrk
from harness.environment import install
from harness.project import bake
from harness.stack import Stack

# The same endpoints with nothing but Flask.
BARE_FLASK = """
from flask import Flask, request

app = Flask("bare")


@app.get("/v1/hello")
def hello():
    return {"message": f"Hello, {request.args.get('name', 'World')}!"}


@app.get("/readyz")
def readyz():
    return {}
"""

TURNS = 7


def hello(folder: Path) -> Iterator[Row]:
    """Greet from the service, from its micro-cache, and from bare Flask in the same stack."""
    require_wrk()
    service = install(bake(folder / "service"))
    bare = install(bake(folder / "bare"))
    (bare / "main" / "wsgi.py").write_text(BARE_FLASK, "utf-8")
    ours, theirs, cached = [], [], []
    with ExitStack() as stacks:
        bare_stack = stacks.enter_context(Stack(bare))
        stack = stacks.enter_context(Stack(service, APP_HELLO_MAX_AGE="0"))
        caching_stack = stacks.enter_context(Stack(service, APP_HELLO_MAX_AGE="1"))
        for turn in range(TURNS + 1):
            measured = rate(stack.url), rate(bare_stack.url), rate(caching_stack.url)
            if turn:  # The first turn warms up.
                ours.append(measured[0])
                theirs.append(measured[1])
                cached.append(measured[2])
    yield Row("GET /v1/hello", "requests/s", ours, "bare Flask", theirs, RatioAtLeast(0.8))
    yield Row(
        "GET /v1/hello, micro-cached", "requests/s", cached, "not cached", ours, RatioAtLeast(3)
    )
