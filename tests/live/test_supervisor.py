"""The supervisor announces the stack, reloads it, and ends with its log."""

import contextlib
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from harness.load import LoadClients
from harness.project import patched_copy
from harness.stack import Stack, StackType
from harness.waiting import HOST, TIMEOUT, wait_until

MAX_LINES_BEFORE_READY = 5
RELOADS = 3
# Another address of this machine than the loopback address that servers listen on.
OTHER_HOST = "127.0.0.2"
# Seconds, as in docker-compose.yml.
STOP_GRACE_PERIOD = 45


def test_the_stack_says_when_it_is_ready_and_where(stack_type: StackType, project: Path) -> None:
    """At most five lines come before the event, and the address can be opened."""
    with stack_type(project, ready="") as stack:
        ready = stack.log.wait_for_line(event="stack.ready")
        assert ready["url"] == f"{stack.url}/"
        assert stack.get("/v1/hello").status == 200
        assert stack.lines().index(ready) <= MAX_LINES_BEFORE_READY


def test_reloads_under_load_lose_no_request(stack_type: StackType, project: Path) -> None:
    """HUP replaces the workers of nginx and of uWSGI, and a new configuration is in force."""
    with stack_type(project, APP_HELLO_MAX_AGE="0") as stack:
        stack.log.wait_for_line(event="stack.ready")
        clients = LoadClients(stack)
        for reload in range(1, RELOADS + 1):
            stack.process.send_signal(signal.SIGHUP)
            wait_until(lambda: len(stack.lines(event="stack.ready")) == reload + 1)  # noqa: B023
            served = clients.outcomes["200"]
            wait_until(lambda: clients.outcomes["200"] >= served + 50)  # noqa: B023
        clients.stop()
        assert set(clients.outcomes) == {"200"}, clients.outcomes
        assert stack.lines(level="ERROR") == []
        assert stack.stop() == 0
        assert stack.pids() == []


def test_a_reload_applies_changed_files(project: Path, tmp_path: Path) -> None:
    """Both programs read their files again."""
    service = patched_copy(project, tmp_path / "service", "deploy/nginx.conf", {})
    with Stack(service, APP_HELLO_MAX_AGE="0") as stack:
        config = service / "deploy" / "nginx.conf"
        text = config.read_text("utf-8")
        config.write_text(text.replace("no-referrer", "same-origin"), "utf-8")
        code = service / "main" / "controller" / "hello.py"
        code.write_text(code.read_text("utf-8").replace("Hello, ", "Bye, "), "utf-8")
        stack.log.wait_for_line(event="stack.ready")
        stack.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(stack.lines(event="stack.ready")) == 2)
        assert stack.get("/v1/hello").json() == {"message": "Bye, World!"}
        assert stack.get("/v1/hello").headers["Referrer-Policy"] == "same-origin"


def test_the_operations_port_is_on_loopback_only(project: Path) -> None:
    """The public port is on every address of the machine."""
    with Stack(project) as stack:
        socket.create_connection((OTHER_HOST, stack.port)).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((OTHER_HOST, stack.ops_port))


def test_the_stack_ends_when_nobody_reads_its_log(project: Path) -> None:
    """The exit status is 1, and no process is left."""
    stack = Stack(project)
    reader, stack.output = os.pipe()
    with stack:
        os.close(stack.output)
        os.close(reader)
        assert stack.process.wait(TIMEOUT) == 1
        assert stack.pids() == []


@pytest.mark.full
def test_a_stalled_reader_of_the_log_does_not_prevent_a_stop(project: Path) -> None:
    """Requests wait because the pipe is full; TERM still ends everything in time."""
    stack = Stack(project)
    reader, stack.output = os.pipe()
    fill(stack.output)
    # Room for the lines of the start.
    os.read(reader, 16 * 1024)
    with stack:
        os.close(stack.output)
        while is_answered(stack):
            pass
        started = time.monotonic()
        stack.process.terminate()
        assert stack.process.wait(STOP_GRACE_PERIOD) == 0
        assert time.monotonic() - started < STOP_GRACE_PERIOD
        os.close(reader)
        assert stack.pids() == []


def fill(pipe: int) -> None:
    """Write to a pipe until it is full."""
    os.set_blocking(pipe, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(pipe, b"x" * 4096):
            pass
    os.set_blocking(pipe, True)


def is_answered(stack: Stack) -> bool:
    """Return whether a request is answered within a second."""
    with socket.create_connection((HOST, stack.port), 1) as connection:
        connection.sendall(b"GET /v1/hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        with contextlib.suppress(TimeoutError):
            return bool(connection.recv(1))
    return False
