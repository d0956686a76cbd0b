"""Log lines for people, on the terminal of `make run`."""

import logging
import time

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


class ConsoleFormatter(logging.Formatter):
    """Formats a record as time, level, event and fields; a traceback follows."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - of the base class
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        level = f"{COLOURS.get(record.levelname, '')}{record.levelname:8}{RESET}"
        fields = {name: value for name, value in vars(record).items() if name not in STANDARD}
        texts = [record.message, *(f"{name}={value!r}" for name, value in fields.items())]
        return f"{clock} {level} {record.name}: {' '.join(texts)}"
