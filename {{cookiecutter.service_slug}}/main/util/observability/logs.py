"""Logs: one JSON object a line, with the id of the request that it belongs to."""

import json
import logging
import logging.config
from importlib import resources

from pythonjsonlogger.core import LogData
from pythonjsonlogger.json import JsonFormatter

from main.util.context import current_request_id

# Bytes. Longer lines are cut by many log collectors, which leaves invalid JSON.
MAX_LINE = 16 * 1024


class RequestIdFilter(logging.Filter):
    """Adds the id of the current request to every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add `request_id` if there is a request; reject nothing."""
        request_id = current_request_id.get()
        if request_id is not None:
            record.request_id = request_id
        return True


class BoundedJsonFormatter(JsonFormatter):
    """Formats a record as ASCII JSON of at most `MAX_LINE` bytes.

    In a longer line, the largest values are replaced by their beginning and their end.
    """

    def jsonify_log_record(self, log_data: LogData) -> str:
        """Return the record as JSON."""
        line: str = super().jsonify_log_record(log_data)
        limit = MAX_LINE
        while len(line) > MAX_LINE and limit:
            limit //= 2
            log_data = {name: shorten(value, limit) for name, value in log_data.items()}
            line = super().jsonify_log_record(log_data)
        return line


def shorten(value: object, limit: int) -> object:
    """Return the value, or its beginning and end if its text is longer than `limit`."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    if len(text) <= limit:
        return value
    return f"{text[: limit // 2]} … {text[len(text) - limit // 2 :]}"


def configure(level: str) -> None:
    """Set up logging from main/resources/logging.json, with this least severe level."""
    text = resources.files("main.resources").joinpath("logging.json").read_text("utf-8")
    logging.config.dictConfig(json.loads(text))
    logging.getLogger().setLevel(level)
