"""Parsers: turn the text of an environment variable into a value.

Each raises a `ValueError` that completes the sentence "NAME must be …".
"""

import math
from collections.abc import Callable
from urllib.parse import urlsplit


def choice(*choices: str) -> Callable[[str], str]:
    """Accept one of the choices, which are in capitals, written in any case."""

    def parse(text: str) -> str:
        if text.upper() not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return text.upper()

    return parse


def integer(lowest: int, highest: int) -> Callable[[str], int]:
    """Accept an integer between the two, both included."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and lowest <= float(text) <= highest):
            raise ValueError(f"an integer from {lowest} to {highest}")
        return int(text)

    return parse


def positive_seconds(text: str) -> float:
    """Accept a positive number of seconds, with or without a fraction."""
    value = _number(text)
    if not 0 < value < math.inf:
        raise ValueError("a positive number of seconds")
    return value


def ratio(text: str) -> float:
    """Accept a number from 0 to 1."""
    value = _number(text)
    if not 0 <= value <= 1:
        raise ValueError("a number from 0 to 1")
    return value


def boolean(text: str) -> bool:
    """Accept true or false, in any case."""
    if text.lower() not in ("true", "false"):
        raise ValueError("true or false")
    return text.lower() == "true"


def url_list(text: str) -> tuple[str, ...]:
    """Accept HTTP URLs without credentials, separated by commas; the list may be empty."""
    urls = tuple(part.strip() for part in text.split(",") if part.strip())
    if not all(map(is_url, urls)):
        raise ValueError("http:// or https:// URLs without credentials, separated by commas")
    return urls


def is_url(text: str) -> bool:
    """Return whether this is an http or https URL with a host and without credentials."""
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.username is None
            and parts.port != 0  # raises ValueError for an invalid port
            and not any(map(str.isspace, text))
        )
    except ValueError:
        return False


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
