"""Lines of the log: JSON objects of bounded length."""

import json
import time
from typing import Any

# Bytes that a pipe takes as a whole, so that lines of several processes are never mixed.
# main/util/observability/logs.py has the same limit.
MAX_LINE = 4096

Event = dict[str, Any]


def event(level: str, logger: str, name: str, **fields: Any) -> Event:
    """Return the fields of a log line."""
    now = time.time()
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    stamp = f"{seconds}.{int(now % 1 * 1000):03}+00:00"
    return {"time": stamp, "level": level, "logger": logger, "event": name, **fields}


def encode(fields: Event, limit: int = MAX_LINE) -> bytes:
    """Return a line of at most `limit` bytes; long texts lose their middle."""
    line = json.dumps(fields, separators=(",", ":"))
    length = limit
    while len(line) >= limit:
        length = length * 3 // 4
        shortened = {name: _shorten(value, length) for name, value in fields.items()}
        line = json.dumps(shortened, separators=(",", ":"))
    return line.encode() + b"\n"


def _shorten(value: object, length: int) -> object:
    text = str(value)
    half = length // 2
    return value if len(text) <= length else f"{text[:half]} … {text[-half:]}"
