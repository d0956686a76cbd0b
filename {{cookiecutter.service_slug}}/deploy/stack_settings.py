"""Settings of the stack: the environment variables that the entry point reads."""

from collections.abc import Mapping
from typing import NamedTuple

# Name: lowest and highest value, and the default.
INTEGERS = {
    "PORT": (1, 65535, 8080),
    "OPS_PORT": (1, 65535, 8081),
    "UWSGI_PROCESSES": (1, 64, 2),
    "UWSGI_THREADS": (1, 64, 4),
    # Seconds. With the time that nginx drains, they have to fit into the time given to a stop.
    "DRAIN_DELAY": (0, 10, 0),
}


class StartError(Exception):
    """The stack cannot start: `errors` has a sentence for each reason."""

    def __init__(self, errors: list[str], status: int) -> None:
        super().__init__(*errors)
        self.errors = errors
        self.status = status


class StackSettings(NamedTuple):
    """The settings of the stack."""

    run_dir: str
    # Entries of the cache of uWSGI, if it is the store: 16 blocks a megabyte.
    cache_items: int
    log_query: bool
    port: int
    ops_port: int
    processes: int
    threads: int
    drain_delay: int


def read_settings(environ: Mapping[str, str]) -> StackSettings:
    """Return the settings; an empty `run_dir` means a temporary folder.

    Raises `StartError` with a sentence for each invalid setting.
    """
    errors: list[str] = []
    numbers = [_integer(name, environ, errors) for name in INTEGERS]
    # The application refuses an invalid APP_CACHE_SIZE. It is a number of megabytes.
    cache_size = _parse(environ.get("APP_CACHE_SIZE", "64"), 1, 99_999) or 1
    log_query = environ.get("APP_LOG_QUERY", "false").lower()
    if log_query not in ("true", "false"):
        errors.append(f"APP_LOG_QUERY must be one of TRUE, FALSE; got {log_query!r}.")
    run_dir = environ.get("RUN_DIR", "")
    settings = StackSettings(run_dir, 16 * cache_size, log_query == "true", *numbers)
    if not errors and settings.port == settings.ops_port:
        errors.append(f"OPS_PORT must differ from PORT; got {settings.port} for both.")
    if errors:
        raise StartError(errors, status=2)
    return settings


def _integer(name: str, environ: Mapping[str, str], errors: list[str]) -> int:
    lowest, highest, default = INTEGERS[name]
    text = environ.get(name, str(default))
    value = _parse(text, lowest, highest)
    if value is None:
        errors.append(f"{name} must be an integer from {lowest} to {highest}; got {text!r}.")
        return default
    return value


def _parse(text: str, lowest: int, highest: int) -> int | None:
    """Return the integer that the text is; None if it is none, or not between the two."""
    if text.isascii() and text.isdigit() and len(text) < 10 and lowest <= int(text) <= highest:
        return int(text)
    return None
