"""Copy lines from stdin to stdout, and convert those that are not JSON objects.

The access log of nginx, the request log of uWSGI and the application write JSON. The error log of
nginx, and other output of uWSGI and of the interpreter, are text.
"""

import json
import os
import re
import sys
from datetime import UTC, datetime

# Bytes that a pipe takes atomically (PIPE_BUF).
CHUNK = 4096

OBJECTS = re.compile(rb'(?:\{"[^\n]*\}\n)+')
NGINX = re.compile(
    r"(?:\d{4}/\d\d/\d\d \d\d:\d\d:\d\d |nginx: )\[(?P<level>\w+)\] (?:\d+#\d+: )?(?P<message>.*)",
    re.DOTALL,
)
UWSGI_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ - ")
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


def as_object(line: bytes) -> bytes:
    """Return the line as a line of JSON; the bytes need not be valid UTF-8."""
    if OBJECTS.fullmatch(line):
        return line
    text = line.decode("utf-8", "backslashreplace").rstrip()
    if not text:
        return b""
    if nginx := NGINX.fullmatch(text):
        logger, level, message = "nginx", LEVELS[nginx["level"]], nginx["message"]
    else:
        logger, level, message = "uwsgi", "INFO", UWSGI_TIME.sub("", text)
    fields = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": level,
        "logger": logger,
        "event": f"{logger}.printed",
        "message": message,
    }
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def main() -> None:
    """Copy lines until the end of the input."""
    rest = b""
    while chunk := os.read(0, CHUNK):
        lines, newline, rest = (rest + chunk).rpartition(b"\n")
        whole = lines + newline
        if not OBJECTS.fullmatch(whole):
            whole = b"".join(map(as_object, whole.splitlines(keepends=True)))
        sys.stdout.buffer.write(whole)
        sys.stdout.buffer.flush()
    if rest:
        sys.stdout.buffer.write(as_object(rest + b"\n"))


if __name__ == "__main__":
    main()
