"""Signals as items of a queue."""

import os
import select
import signal

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class SignalQueue:
    """The main thread waits here for signals, and for what other threads put into the queue."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        for number in SIGNALS:
            # Not SIG_IGN, which children would inherit.
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        # The entry point has blocked them.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def put(self, number: int) -> None:
        """Add a number to the queue."""
        os.write(self._writer, bytes([number]))

    def wait(self, seconds: float | None) -> int | None:
        """Return the next signal; None if none comes for some seconds."""
        ready, _, _ = select.select([self._reader], [], [], seconds)
        return os.read(self._reader, 1)[0] if ready else None
