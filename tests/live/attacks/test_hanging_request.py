"""A request ignores its deadline, while other requests of the same worker come and go.

uWSGI has one clock for each worker, which each of them resets. Nevertheless users must get the
worker back within 30 seconds, and its operators must find the place where it hangs.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.problem import assert_problem
from harness.project import patched_copy
from harness.stack import StackType
from harness.waiting import TIMEOUT, wait_until

HANG = """
    import time

    def hang() -> str:
        time.sleep(60)
        return ""

    app.add_url_rule("/hang", view_func=hang)
"""


@pytest.mark.full
def test_a_worker_with_a_hanging_request_is_replaced(
    stack_type: StackType, project: Path, tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    """An error has the stack of the request; its caller gets 502, and nobody waits for it."""
    made = '    app.extensions["scope"].make_default()\n'
    service = patched_copy(project, tmp_path / "service", "main/wsgi.py", {made: made + HANG})
    with stack_type(service, UWSGI_PROCESSES="1", UWSGI_THREADS="4") as stack:
        started = time.monotonic()
        call = executor.submit(stack.get, "/hang", {"X-Request-ID": "that-hangs"})

        def replaced() -> bool:
            # Each of these resets the clock of uWSGI.
            stack.is_ready()
            return len(stack.workers()) == 2

        wait_until(replaced, timeout=TIMEOUT)
        assert time.monotonic() - started < TIMEOUT
        assert_problem(call.result(), 502)
        line = stack.log.wait_for_line(event="request.hangs", request_id="that-hangs")
        assert line["level"] == "ERROR"
        assert "in hang" in line["stack"]
        wait_until(stack.is_ready)
