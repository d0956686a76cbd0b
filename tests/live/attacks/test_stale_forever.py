"""A worker of nginx is killed while it renews a response of the micro-cache.

Users must not get the old response forever: it is fresh again within ten seconds.
"""

import contextlib
import signal
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from harness.http import Response
from harness.stack import Stack, StackType
from harness.waiting import wait_until
from tests.live.attacks.conftest import nginx_workers


def test_an_interrupted_renewal_is_repeated(
    stack_type: StackType, project: Path, executor: ThreadPoolExecutor
) -> None:
    """The application stands still, the renewal begins, and all workers of nginx are killed."""
    with stack_type(project, APP_HELLO_MAX_AGE="1") as stack:
        stack.get("/v1/hello")
        stack.kill(signal.SIGSTOP, stack.workers())
        calls: list[Future[Response]] = []

        def renewal_waits() -> bool:
            calls.append(executor.submit(stack.get, "/v1/hello"))
            with contextlib.suppress(TimeoutError):
                calls[-1].result(timeout=0.1)
            return not calls[-1].done()

        wait_until(renewal_waits)
        stack.kill(signal.SIGKILL, nginx_workers(stack))
        stack.kill(signal.SIGCONT, stack.workers())
        wait_until(lambda: is_fresh(stack), timeout=10)
        assert calls[-1].exception()


def is_fresh(stack: Stack) -> bool:
    """Return whether nginx has a new greeting, or asks the application for one."""
    response = stack.get("/v1/hello")
    assert response.status == 200
    request_id = response.headers["X-Request-ID"]
    status = stack.log.wait_for_line(logger="nginx", request_id=request_id)["cache"]
    return status not in ("STALE", "UPDATING")
