"""Settings of the stack: the environment variables that the entry point reads."""

import os
from collections.abc import Mapping
from ipaddress import ip_network
from typing import NamedTuple

# Name: lowest and highest value, and the default.
INTEGERS = {
    "PORT": (1, 65535, 8080),
    "OPS_PORT": (1, 65535, 8081),
    "UWSGI_PROCESSES": (1, 64, 2),
    "UWSGI_THREADS": (1, 64, 4),
    # Seconds, the first step of a stop. The others are in supervisor.py.
    "DRAIN_DELAY": (0, 10, 0),
    # Requests of one client at a time, and in a second; 0 means no limit.
    "CLIENT_CONNECTIONS": (0, 9999, 0),
    "CLIENT_RATE": (0, 9999, 0),
    # Megabytes of the store of uWSGI.
    "APP_CACHE_SIZE": (1, 99_999, 64),
}
# The paths of uWSGI's sockets are in RUN_DIR and may have 107 characters.
MAX_RUN_DIR = 90


class StartError(Exception):
    """The stack cannot start. The arguments are sentences, one for each reason."""


class Settings(NamedTuple):
    """The settings of the stack. An empty `run_dir` means a temporary folder."""

    run_dir: str
    ops_address: str
    log_query: bool
    docs: bool
    trusted_proxies: list[str]
    port: int
    ops_port: int
    processes: int
    threads: int
    drain_delay: int
    client_connections: int
    client_rate: int
    cache_size: int


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings. Raises `StartError` with a sentence for each invalid one."""
    errors: list[str] = []
    settings = Settings(
        _run_dir(environ.get("RUN_DIR", ""), errors),
        environ.get("OPS_ADDRESS", "127.0.0.1"),
        _boolean("APP_LOG_QUERY", "false", environ, errors),
        _boolean("DOCS", "true", environ, errors),
        _networks(environ.get("TRUSTED_PROXIES", ""), errors),
        *(_integer(name, environ, errors) for name in INTEGERS),
    )
    if not errors and settings.port == settings.ops_port:
        errors.append(f"OPS_PORT must differ from PORT; got {settings.port} for both.")
    if errors:
        raise StartError(*errors)
    return settings


def _run_dir(text: str, errors: list[str]) -> str:
    path = os.path.abspath(text) if text else ""
    if len(path) > MAX_RUN_DIR:
        errors.append(f"RUN_DIR must have at most {MAX_RUN_DIR} characters; got {path!r}.")
    return path


def _boolean(name: str, default: str, environ: Mapping[str, str], errors: list[str]) -> bool:
    text = environ.get(name, default).lower()
    if text not in ("true", "false"):
        errors.append(f"{name} must be true or false; got {text!r}.")
    return text == "true"


def _integer(name: str, environ: Mapping[str, str], errors: list[str]) -> int:
    lowest, highest, default = INTEGERS[name]
    text = environ.get(name, str(default))
    if text.isascii() and text.isdigit() and len(text) < 10 and lowest <= int(text) <= highest:
        return int(text)
    errors.append(f"{name} must be an integer from {lowest} to {highest}; got {text!r}.")
    return default


def _networks(text: str, errors: list[str]) -> list[str]:
    networks = []
    for part in filter(None, map(str.strip, text.split(","))):
        try:
            networks.append(str(ip_network(part)))
        except ValueError as error:
            rule = "TRUSTED_PROXIES must be addresses or CIDRs, separated by commas"
            errors.append(f"{rule}; got {part!r}: {error}.")
    return networks
