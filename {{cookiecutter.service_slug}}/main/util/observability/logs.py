"""Logs: one JSON object a line, with the ids of the request that it belongs to.

On a terminal, the lines are for people instead.
"""

import json
import logging.config
import os
import re
import time
from functools import partial
from importlib import resources
from typing import TextIO

from pythonjsonlogger.core import LogData
from pythonjsonlogger.json import JsonFormatter

from main.util.context import current_request_id, current_trace

# Bytes without the end of the line. A pipe takes 4,096 bytes as a whole, so that lines of several
# processes are never mixed. deploy/log_lines.py has the same limit.
MAX_LINE = 4095
STDOUT = 1
# Without spaces, as nginx and deploy/log_lines.py write.
dumps = partial(json.dumps, separators=(",", ":"))
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
RESET = "\x1b[0m"
COLOURS = {
    "DEBUG": "\x1b[2m",
    "INFO": "\x1b[32m",
    "WARNING": "\x1b[33m",
    "ERROR": "\x1b[31m",
    "CRITICAL": "\x1b[31;1m",
}
# The attributes that every record has. The others are fields of the event.
STANDARD = vars(logging.makeLogRecord({})).keys() | {"message", "asctime", "taskName"}


class BoundedJsonFormatter(JsonFormatter):
    """Formats a record as ASCII JSON of at most `MAX_LINE` bytes, with the ids of the request.

    In a longer line, the largest values are replaced by their beginning and their end.
    """

    def process_log_record(self, log_data: LogData) -> LogData:
        """Add the ids if there is a request; remove colours, which Werkzeug adds."""
        if "\x1b" in log_data["event"]:
            log_data = {**log_data, "event": COLOUR.sub("", log_data["event"])}
        if request_id := current_request_id.get():
            log_data = {**log_data, "request_id": request_id}
        if trace := current_trace.get():
            log_data = {**log_data, "trace_id": trace.trace_id}
        return log_data

    def jsonify_log_record(self, log_data: LogData) -> str:
        """Return the record as JSON."""
        line: str = super().jsonify_log_record(log_data)
        limit = MAX_LINE
        while len(line) > MAX_LINE and limit > 2:
            limit //= 2
            log_data = {name: _shorten(value, limit) for name, value in log_data.items()}
            line = super().jsonify_log_record(log_data)
        return line


class ConsoleFormatter(logging.Formatter):
    """Formats a record as time, level, event and fields; a traceback follows."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - of the base class
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        level = f"{COLOURS.get(record.levelname, '')}{record.levelname:8}{RESET}"
        fields = {name: value for name, value in vars(record).items() if name not in STANDARD}
        texts = [record.message, *(f"{name}={value!r}" for name, value in fields.items())]
        return f"{clock} {level} {record.name}: {' '.join(texts)}"


class StdoutHandler(logging.StreamHandler[TextIO]):
    """Writes to file descriptor 1, each line at once; in uWSGI, `sys.stdout` is stderr."""

    def __init__(self) -> None:
        super().__init__(os.fdopen(STDOUT, "w", encoding="utf-8", closefd=False))


def configure(level: str) -> None:
    """Set up logging from main/resources/logging.json, with this least severe level."""
    text = resources.files("main.resources").joinpath("logging.json").read_text("utf-8")
    logging.config.dictConfig(json.loads(text))
    logging.getLogger().setLevel(level)
    # The entry point of the stack sets RUN_DIR: its log is for programs, also on a terminal.
    if os.isatty(STDOUT) and "RUN_DIR" not in os.environ:
        for handler in logging.getLogger().handlers:
            handler.setFormatter(ConsoleFormatter())


def _shorten(value: object, limit: int) -> object:
    """Return the value, or its beginning and end if its text is longer than `limit`."""
    text = str(value)
    return value if len(text) <= limit else f"{text[: limit // 2]} … {text[-limit // 2 :]}"
