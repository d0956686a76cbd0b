"""Clients send JSON that is nested very deeply.

In the image, the threads of uWSGI had stacks of 128 KB, and each such request killed a worker.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.http import JSON, Response
from harness.problem import assert_problem
from harness.stack import StackType

# Fewer than the bodies that nginx admits, and enough for every thread.
CLIENTS = 12
DEPTHS = (500, 2_000, 100_000)
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
