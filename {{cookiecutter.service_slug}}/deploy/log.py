"""The log of the supervisor: JSON lines on stdout."""

import os
import select
from contextlib import suppress
from typing import Any

from deploy.log_lines import MAX_LINE, Event, encode, event

# Seconds that a line waits for the reader of stdout.
PATIENCE = 1.0


class Log:
    """Writes lines to stdout, and drops them while the reader stalls: a stop must not wait."""

    def __init__(self) -> None:
        # Opened again, so that this process does not block.
        self.descriptor = os.open("/dev/stdout", os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK)
        # For the children, whose lines wait. In a file they append, too.
        self.stdout = os.open("/dev/stdout", os.O_WRONLY | os.O_APPEND)
        self._patience = PATIENCE

    def log(self, level: str, name: str, **fields: Any) -> None:
        """Write an event of the supervisor."""
        self.write(event(level, "stack", name, **fields))

    def write(self, fields: Event, limit: int = MAX_LINE) -> None:
        """Write an event as a line of at most `limit` bytes."""
        line = encode(fields, limit)
        # A full disk loses lines.
        with suppress(OSError):
            while line and self._is_writable():
                line = line[os.write(self.descriptor, line) :]

    def _is_writable(self) -> bool:
        _, writable, _ = select.select([], [self.descriptor], [], self._patience)
        self._patience = PATIENCE if writable else 0
        return bool(writable)
