"""The one place where the supervisor waits: for signals, children, and what they print."""

import os
import select
import signal
import time
from collections import deque
from collections.abc import Callable

from deploy.child import Child
from deploy.log import Log
from deploy.printed_text import events

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
# Seconds between two looks at a condition.
TICK = 0.02
# Seconds without output, or bytes, after which text is logged.
SILENCE = 0.2
MAX_TEXT = 16 * 1024


class Monitor:
    """Collects `signals`, logs what children print, and notices when nobody reads the log."""

    def __init__(self, log: Log) -> None:
        self.signals: deque[int] = deque()
        self.is_log_lost = False
        self._log = log
        self._children: dict[int, Child] = {}
        self._last_output = 0.0
        self._wakeup, writer = os.pipe()
        os.set_blocking(writer, False)
        for number in SIGNALS:
            # Not SIG_IGN, which children would inherit.
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        # The entry point has blocked them.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        self._poll = select.poll()
        self._poll.register(self._wakeup, select.POLLIN)
        self._poll.register(log.descriptor, 0)  # for errors only

    def watch(self, child: Child) -> None:
        """Log what this child prints."""
        self._children[child.stderr] = child
        self._poll.register(child.stderr, select.POLLIN)

    def is_watching(self, child: Child) -> bool:
        """Return whether the child, or a process that it has started, may still print."""
        return child.stderr in self._children

    def wait(self, seconds: float, condition: Callable[[], bool]) -> bool:
        """Wait until a condition is met, at most for some seconds; return whether it is."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() >= deadline:
                return False
            self.step(TICK)
        return True

    def step(self, seconds: float | None) -> None:
        """Wait until something happens, at most for some seconds, and react to it."""
        if any(child.text for child in self._children.values()):
            seconds = TICK
        for descriptor, _ in self._poll.poll(None if seconds is None else 1000 * seconds):
            if descriptor == self._wakeup:
                self.signals.extend(os.read(self._wakeup, 4096))
            elif descriptor == self._log.descriptor:
                self.is_log_lost = True
                self._poll.unregister(descriptor)
            else:
                self._read(descriptor)
        is_silent = time.monotonic() > self._last_output + SILENCE
        for child in self._children.values():
            if is_silent:
                self.write_text(child)
            elif len(child.text) > MAX_TEXT:
                # The end of the last line is still to come.
                self.write_text(child, child.text.rfind(b"\n") + 1 or MAX_TEXT)

    def write_text(self, child: Child, size: int | None = None) -> None:
        """Log what the child has printed, or only the first `size` bytes."""
        text = child.text[:size]
        child.text = child.text[len(text) :]
        for each in events(child.name, text):
            self._log.write(each)

    def _read(self, descriptor: int) -> None:
        data = os.read(descriptor, 4096)
        self._children[descriptor].text += data
        self._last_output = time.monotonic()
        if not data:
            self._poll.unregister(descriptor)
            del self._children[descriptor]
