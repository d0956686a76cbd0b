"""Lines of the log: JSON objects of bounded length."""

import json
import time
from typing import Any

# Bytes of a line of the log, as in main/util/observability/logs.py.
MAX_LINE = 16 * 1024


def event(level: str, logger: str, name: str, **fields: Any) -> dict[str, Any]:
    """Return the fields of a log line."""
    now = time.time()
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    stamp = f"{seconds}.{int(now % 1 * 1000):03}+00:00"
    return {"time": stamp, "level": level, "logger": logger, "event": name, **fields}


def encode(fields: dict[str, Any]) -> bytes:
    """Return a line of at most `MAX_LINE` bytes, without the middle of long texts if need be."""
    line = json.dumps(fields, separators=(",", ":"))
    for limit in (8192, 2048, 256):
        if len(line) < MAX_LINE:
            break
        fields = {name: _shorten(value, limit) for name, value in fields.items()}
        line = json.dumps(fields, separators=(",", ":"))
    return line.encode() + b"\n"


def _shorten(value: object, limit: int) -> object:
    text = str(value)
    return value if len(text) <= limit else f"{text[: limit // 2]} … {text[-limit // 2 :]}"
