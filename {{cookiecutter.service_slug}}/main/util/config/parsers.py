"""Parsers: turn the text of an environment variable into a value.

Each raises a `ValueError` that completes the sentence "NAME must be …".
"""

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from main.util.config.declare import Parser


def _parser(description: str, convert: Parser, accepts: Callable[[Any], bool]) -> Parser:
    """Return a parser of texts that can be converted into an accepted value."""

    def parse(text: str) -> Any:
        with suppress(ValueError):
            value = convert(text)
            if accepts(value):
                return value
        raise ValueError(description)

    return parse


def integer(lowest: int, highest: int) -> Callable[[str], int]:
    """Accept an integer between the two, both included."""
    description = f"an integer from {lowest} to {highest}"
    return _parser(description, int, lambda value: lowest <= value <= highest)


positive_seconds = _parser(
    "a positive number of seconds", float, lambda value: 0 < value < math.inf
)

ratio = _parser("a number from 0 to 1", float, lambda value: 0 <= value <= 1)


def choice(*choices: str) -> Callable[[str], str]:
    """Accept one of the choices, which are in capitals, written in any case."""
    return _parser(f"one of {', '.join(choices)}", str.upper, choices.__contains__)


def boolean(text: str) -> bool:
    """Accept true or false, in any case."""
    if text.lower() not in ("true", "false"):
        raise ValueError("true or false")
    return text.lower() == "true"


def is_url(text: str) -> bool:
    """Return whether this is an http or https URL with a host and without credentials."""
    with suppress(ValueError):  # The host or the port is malformed.
        parts = urlsplit(text)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return "@" not in parts.netloc and text.split() == [text]
    return False


def url_list(text: str) -> tuple[str, ...]:
    """Accept HTTP URLs without credentials, separated by commas; the list may be empty."""
    urls = tuple(part.strip() for part in text.split(",") if part.strip())
    if not all(map(is_url, urls)):
        raise ValueError("http:// or https:// URLs without credentials, separated by commas")
    return urls
