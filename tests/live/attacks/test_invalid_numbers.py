"""Clients send bodies of 1 MB with 340,000 invalid numbers, several at the same time.

One of them once took 25 seconds, 389 MB of memory, and a response of 31 MB; two of them killed
the workers. Now the length of the list is checked first, and callers get one short problem.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.http import JSON, Response
from harness.problem import assert_problem
from harness.stack import StackType

BODY = f'{{"numbers":[{",".join(["-1"] * 340_000)}]}}'
CLIENTS = 8
TOO_LONG = "Length must be between 1 and 20."
# Bytes. Those of a log line are without its end.
MAX_PROBLEM, MAX_LINE = 16 * 1024, 4095


def test_a_million_bytes_of_invalid_numbers_are_one_short_problem(
    stack_type: StackType, project: Path, executor: ThreadPoolExecutor
) -> None:
    """It comes at once, its log lines are short, and every worker survives."""
    with stack_type(project) as stack:
        workers = stack.workers()

        def send(_: int) -> Response:
            return stack.call("POST", "/v1/primes", BODY, JSON)

        started = time.monotonic()
        responses = list(executor.map(send, range(CLIENTS)))
        assert time.monotonic() - started < 10
        for response in responses:
            assert_problem(response, 422)
            assert len(response.body) <= MAX_PROBLEM
            # Not an error for each item.
            assert response.json()["errors"]["json"] == {"numbers": [TOO_LONG]}
            stack.log.wait_for_line(logger="nginx", request_id=response.headers["X-Request-ID"])
        assert max(map(len, stack.log.text().splitlines())) <= MAX_LINE
        assert stack.workers() == workers
