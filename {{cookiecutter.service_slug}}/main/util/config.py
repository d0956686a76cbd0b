"""Settings: environment variables, declared once, typed, and checked at the start."""

import logging
import math
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import attrs
import environ

log = logging.getLogger(__name__)

T = TypeVar("T")

PREFIX = "APP_"

# What Flask and its API layer are configured with, and who this service is.
DEFAULTS = tomllib.loads((Path(__file__).parents[1] / "resources/defaults.toml").read_text("utf-8"))
NAME: str = DEFAULTS["NAME"]


class SettingError(ValueError):
    """An environment variable holds what the service cannot use."""


def setting(
    name: str, default: str, parse: Callable[[str], T], meaning: str, *, secret: bool = False
) -> Any:
    """Declare the variable `name`; its default is written as in the environment.

    `parse` raises `ValueError` with the words that complete the sentence "NAME must be …".
    The value of a `secret` is shown nowhere.
    """

    def convert(text: str) -> T:
        try:
            return parse(text.strip())
        except ValueError as error:
            shown = "what it is now" if secret else repr(text)
            raise SettingError(f"{name} must be {error}, not {shown}.") from None

    return environ.var(default, converter=convert, name=name, help=meaning)


def load(declared: type[T], overrides: Mapping[str, str] | None = None) -> T:
    """Read the settings class from the environment; `overrides` stand in front of it."""
    return environ.to_config(declared, {**os.environ, **(overrides or {})})


def variables(declared: type) -> Iterator[tuple[str, str, str]]:
    """Yield each variable that a settings class declares: name, default, meaning."""
    for field in attrs.fields(declared):
        entry = field.metadata["environ_config"]
        if entry.sub_cls is not None:
            yield from variables(entry.sub_cls)
        else:
            yield entry.name, entry.default, entry.help


def warn_of_unknown(declared: type, overrides: Mapping[str, str] | None = None) -> None:
    """Log each APP_ variable that nothing reads: it is most likely misspelt."""
    known = {name for name, _, _ in variables(declared)}
    given = {name for name in {**os.environ, **(overrides or {})} if name.startswith(PREFIX)}
    for name in sorted(given - known):
        log.warning("setting.unknown", extra={"setting": name})


def one_of(*choices: str) -> Callable[[str], str]:
    """Accept one of the choices, in any case."""

    def parse(text: str) -> str:
        if text.upper() not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return text.upper()

    return parse


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    """Accept a whole number between the two, both included."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
            raise ValueError(f"a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def seconds(text: str) -> float:
    """Accept a positive number of seconds, also a fraction."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise ValueError("a positive number of seconds")
    return value


def share(text: str) -> float:
    """Accept a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise ValueError("a number from 0 to 1")
    return value


def flag(text: str) -> bool:
    """Accept true or false, in any case; nothing else, so that a typo is not a no."""
    if text.lower() not in ("true", "false"):
        raise ValueError("true or false")
    return text.lower() == "true"


def urls(text: str) -> tuple[str, ...]:
    """Accept http and https addresses, separated by commas; none is fine.

    They are no place for passwords: who reads them in a log or an answer would have those.
    """
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not all(map(is_url, found)):
        raise ValueError("http:// or https:// addresses without a user, separated by commas")
    return found


def is_url(text: str) -> bool:
    """Tell whether this is an http or https address, without a user or password."""
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.username is None
            and parts.port != 0  # raises for what is no port
            and not any(map(str.isspace, text))
        )
    except ValueError:
        return False
