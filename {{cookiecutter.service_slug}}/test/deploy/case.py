"""The base class of tests that run the stack with stand-ins for nginx and uWSGI."""

import json
import os
import signal
import socket
import tempfile
import threading
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from deploy.signals import SIGNALS
from deploy.stack_settings import INTEGERS

NGINX = """#!/bin/sh
trap 'exit 0' QUIT TERM
trap 'echo reloaded >&2' HUP
touch nginx.pid
while :; do sleep 0.02; done
"""
UWSGI = """#!/bin/sh
mkfifo "$RUN_DIR/uwsgi.fifo"
touch "$RUN_DIR/uwsgi.started"
while :; do
    case $(head -c 1 <"$RUN_DIR/uwsgi.fifo") in
        q) exit 0 ;;
        r) touch "$RUN_DIR/uwsgi.started" ;;
    esac
done
"""


class StackCase(unittest.TestCase):
    """A test with a folder `run_dir`, and with programs that the test has written."""

    def setUp(self) -> None:
        """Create the folders, and restore the settings and the signals after the test."""
        environ = mock.patch.dict(os.environ)
        environ.start()
        self.addCleanup(environ.stop)
        for name in INTEGERS:
            os.environ.pop(name, None)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.run_dir = self.folder / "run"
        self.run_dir.mkdir()
        for number in SIGNALS:
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        self.addCleanup(signal.set_wakeup_fd, signal.set_wakeup_fd(-1))
        self.log = (self.folder / "log").open("wb")
        self.addCleanup(self.log.close)

    def program(self, name: str, script: str) -> str:
        """Write a script; return its path."""
        path = self.folder / name
        path.write_text(script, "utf-8")
        path.chmod(0o755)
        return str(path)

    def lines(self) -> list[dict[str, Any]]:
        """Return the log."""
        return [json.loads(line) for line in Path(self.log.name).read_text("utf-8").splitlines()]

    def events(self) -> list[str]:
        """Return the names of the events in the log."""
        return [line["event"] for line in self.lines()]

    def soon(self, *steps: Callable[[], object]) -> None:
        """Take steps in another thread, each as soon as it returns no error and is not False."""

        def take() -> None:
            for step in steps:
                deadline = time.monotonic() + 5
                while time.monotonic() < deadline:
                    if step() is not False:
                        break
                    time.sleep(0.01)

        thread = threading.Thread(target=take)
        thread.start()
        self.addCleanup(thread.join)

    def has_logged(self, name: str) -> Callable[[], bool]:
        """Return a step that waits for an event."""
        return lambda: name in self.events()

    def sends(self, number: int) -> Callable[[], None]:
        """Return a step that sends this process a signal."""
        return lambda: os.kill(os.getpid(), number)


def free_ports() -> list[str]:
    """Return two ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [str(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports
