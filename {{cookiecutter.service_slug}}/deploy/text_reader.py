"""Events for the text that nginx, uWSGI and Python print on stderr."""

import re
from collections import deque
from collections.abc import Iterator
from typing import Any

from deploy.log_lines import event

# Bytes of text that are kept for one event.
MAX_TEXT = 12 * 1024

TRACEBACK = b"Traceback (most recent call last)"
# Python prints these between the tracebacks of chained exceptions.
CHAINED = (b"During handling of the above", b"The above exception was the direct")
# Where a text is: outside of a traceback, in one, or after its last line.
OUTSIDE, INSIDE, AFTER = range(3)

NGINX = re.compile(
    r"(?:\d{4}/\d\d/\d\d \d\d:\d\d:\d\d |nginx: )\[(?P<level>\w+)\] (?:\d+#\d+: )?(?P<message>.*)",
    re.DOTALL,
)
# Faults of a client, which nginx logs as errors.
CLIENT_FAULT = re.compile(r"\bclient (intended to send|sent|prematurely|timed out)\b")
UWSGI_DATE = re.compile(r"^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} - ")
LEVELS = {
    "debug": "DEBUG",
    "info": "INFO",
    "notice": "INFO",
    "warn": "WARNING",
    "error": "ERROR",
    "crit": "CRITICAL",
    "alert": "CRITICAL",
    "emerg": "CRITICAL",
}
ERROR = re.compile(
    r"^Traceback |^[\w.]*(Error|Exception): |^Fatal Python error|HARAKIRI ON"
    r"|[Ss]egmentation [Ff]ault|no app loaded|[Uu]nable to |unknown config directive"
    r"|\(\): .* \[\S+ line \d+\]$",
    re.MULTILINE,
)
WARNING = re.compile(r"^DAMN ! |Warning: ")


def from_text(logger: str, text: str) -> dict[str, Any]:
    """Return the event for a text that a program has printed."""
    if nginx := NGINX.fullmatch(text):
        text = nginx["message"]
        level = "INFO" if CLIENT_FAULT.search(text) else LEVELS[nginx["level"]]
        return event(level, logger, f"{logger}.printed", message=text)
    text = UWSGI_DATE.sub("", text)
    level = "ERROR" if ERROR.search(text) else "WARNING" if WARNING.search(text) else "INFO"
    return event(level, logger, f"{logger}.printed", message=text)


class TextReader:
    """Makes events of the text that a program prints, in time linear in its length.

    An indented line continues the event of the line before it, and a traceback is one event.
    """

    def __init__(self, logger: str) -> None:
        self.logger = logger
        self._line = bytearray()
        # The lines of the current event. A long one keeps its beginning and its end.
        self._head: list[bytes] = []
        self._tail: deque[bytes] = deque()
        self._size = 0
        self._state = OUTSIDE

    @property
    def is_pending(self) -> bool:
        """Return whether there is text whose event is not complete."""
        return bool(self._line or self._head)

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Yield the events that are complete now that these bytes were read."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._extend(line)
            yield from self._end_line()
        self._extend(rest)

    def flush(self) -> Iterator[dict[str, Any]]:
        """Complete the current event and yield it, if there is one."""
        if self._line:
            yield from self._end_line()
        yield from self._end_event()

    def _extend(self, data: bytes) -> None:
        self._line += data[: MAX_TEXT - len(self._line)]

    def _end_line(self) -> Iterator[dict[str, Any]]:
        line = bytes(self._line).rstrip()
        self._line.clear()
        continues, state = self._classify(line)
        if not continues:
            yield from self._end_event()
        self._state = state
        if self._size < MAX_TEXT // 2:
            self._head.append(line)
        else:
            self._tail.append(line)
        self._size += len(line) + 1
        while self._size > MAX_TEXT and len(self._tail) > 1:
            self._size -= len(self._tail.popleft()) + 1

    def _classify(self, line: bytes) -> tuple[bool, int]:
        """Return whether a line continues the current event, and the state after it."""
        if line.startswith(TRACEBACK):
            introduced = bool(self._head) and self._head[-1].endswith(b":")
            return introduced or self._state == INSIDE, INSIDE
        is_chained = line.startswith(CHAINED)
        is_indented = not line or line[:1].isspace()
        if self._state == INSIDE:
            return True, INSIDE if is_indented or is_chained else AFTER
        if self._state == AFTER and is_chained:
            return True, INSIDE
        return is_indented, self._state if is_indented else OUTSIDE

    def _end_event(self) -> Iterator[dict[str, Any]]:
        text = b"\n".join((*self._head, *self._tail)).rstrip()
        self._head.clear()
        self._tail.clear()
        self._size, self._state = 0, OUTSIDE
        if text:
            yield from_text(self.logger, text.decode("utf-8", "backslashreplace"))
