"""Clients get errors from nginx, which never reach the application and its metrics.

The query that the documentation of a service gives to its operators must count them.
"""

import re
import subprocess
from pathlib import Path

from harness.problem import assert_problem
from harness.readme import shell_block
from harness.stack import Stack, StackType
from harness.waiting import wait_until


def statuses(stack: Stack) -> dict[str, int]:
    """Run the documented command on the log of the stack; return its counts."""
    command = shell_block(stack.project / "docs" / "operations.md", "request.served")
    query = re.sub(r"^docker compose logs \S+", f"cat {stack.log.path}", command)
    done = subprocess.run(["sh", "-c", query], capture_output=True, text=True, check=True)
    return {
        status: int(count) for count, status in re.findall(r'(\d+) "status":(\d+)', done.stdout)
    }


def test_errors_of_nginx_are_counted(stack_type: StackType, project: Path) -> None:
    """Two bodies that are too large, and three requests while the application is away."""
    with stack_type(project, "nginx", ready="/livez") as stack:
        for _ in range(2):
            assert_problem(stack.call("POST", "/v1/hello", b"a" * 1_100_000), 413)
        for _ in range(3):
            assert_problem(stack.get("/v1/hello"), 502)
        wait_until(lambda: statuses(stack) == {"413": 2, "502": 3})
