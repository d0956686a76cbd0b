"""Clients or upstreams send JSON that is nested very deeply.

In the image, the threads of uWSGI had stacks of 128 KB, and those of pools 1 MB. Each such message
killed a worker.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.http import JSON, Response
from harness.problem import assert_problem
from harness.project import patched_copy
from harness.stack import StackType

# Fewer than the bodies that nginx admits, and enough for every thread.
CLIENTS = 12
DEPTHS = (500, 2_000, 100_000)
DECODES = """
    from main.util.concurrency import thread_map
    from main.util.http_client import UpstreamInvalid
    from main.util.http_client.exchange import decode

    def decode_deep(depth: int) -> str:
        try:
            return decode(200, b"[" * depth, object)
        except UpstreamInvalid:
            return "invalid"

    app.add_url_rule("/decode", view_func=lambda: thread_map(decode_deep, [100_000])[0])
"""
SHAPES = {"lists": "[", "objects": '{"a":'}


@pytest.mark.parametrize("start", SHAPES.values(), ids=SHAPES)
def test_deep_json_is_a_problem(stack_type: StackType, project: Path, start: str) -> None:
    """Every thread gets some of it, and every worker survives."""
    with stack_type(project) as stack, ThreadPoolExecutor(CLIENTS) as executor:
        workers = stack.workers()

        def send(depth: int) -> Response:
            return stack.call("POST", "/v1/primes", start * depth, JSON)

        for response in executor.map(send, DEPTHS * CLIENTS):
            assert_problem(response, 400)
        assert stack.workers() == workers


def test_deep_json_of_an_upstream_is_an_error(
    stack_type: StackType, project: Path, tmp_path: Path
) -> None:
    """A thread of a pool decodes it."""
    made = '    app.extensions["scope"].make_default()\n'
    service = patched_copy(project, tmp_path / "service", "main/wsgi.py", {made: made + DECODES})
    with stack_type(service) as stack:
        assert stack.get("/decode").body == b"invalid"
