"""Lines of the log stay whole when they are long or many, and their reader is slow."""

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.project import patched_copy
from harness.stack import Stack
from harness.waiting import wait_until

# Bytes that a pipe takes as a whole.
MAX_LINE = 4096
REQUESTS = 200
LOGS_LONG_LINES = {
    "    # For threads without a request.\n": """\
    @app.get("/long")
    def long() -> str:
        logging.getLogger("long").warning("long", extra={"text": "x" * 10_000})
        return "ok"

    # For threads without a request.
"""
}


class SlowReader(threading.Thread):
    """Reads a pipe, 2 KB a millisecond, until its writers have closed it."""

    def __init__(self, pipe: int) -> None:
        super().__init__()
        self.pipe = pipe
        self.data = b""

    def run(self) -> None:
        """Read to the end."""
        while piece := os.read(self.pipe, 2048):
            self.data += piece
            time.sleep(0.001)


def test_long_lines_of_several_processes_are_never_mixed(
    project: Path, tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    """Each line is a JSON object of at most 4 KB, and none is lost."""
    service = patched_copy(project, tmp_path / "service", "main/wsgi.py", LOGS_LONG_LINES)
    stack = Stack(service)
    pipe, stack.output = os.pipe()
    reader = SlowReader(pipe)
    reader.start()
    with stack:
        os.close(stack.output)
        path = f"/long?{'y' * 2000}"
        responses = list(executor.map(lambda _: stack.get(path), range(REQUESTS)))
        assert {response.status for response in responses} == {200}
        assert stack.stop() == 0
    reader.join()
    os.close(pipe)
    lines = reader.data.splitlines(keepends=True)
    assert max(map(len, lines)) <= MAX_LINE
    loggers = [json.loads(line)["logger"] for line in lines]
    assert loggers.count("long") == REQUESTS
    assert loggers.count("nginx") >= REQUESTS


def test_errors_that_nginx_prints_quickly_are_one_event_each(project: Path) -> None:
    """A client calls an application that is away; the supervisor reads parts of lines."""
    end = 'host: "x"'
    with Stack(project, "nginx", ready="/livez") as stack:
        stack.send_raw(b"GET /v1/hello HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        wait_until(lambda: sum(end in line.get("message", "") for line in stack.lines()) == 1000)
        errors = stack.lines(logger="nginx", level="CRITICAL")
        assert len(errors) == 1000
        assert {error["message"][-len(end) :] for error in errors} == {end}
