"""Declare settings as fields of frozen dataclasses, and load them from the environment."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

log = logging.getLogger(__name__)

Parser = Callable[[str], Any]
T = TypeVar("T")


class SettingError(ValueError):
    """Environment variables are missing or invalid; `errors` has one message for each."""

    def __init__(self, *errors: str) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


@dataclass(frozen=True)
class Variable:
    """An environment variable that a field of a settings class is read from."""

    name: str
    default: str | None
    parser: Parser
    help: str
    secret: bool

    def read(self, environment: Mapping[str, str]) -> Any:
        """Return the parsed value; the file that NAME_FILE names takes precedence.

        Raises a `SettingError` that names the variable and a remedy.
        """
        text = environment.get(self.name, self.default or "")
        path = environment.get(f"{self.name}_FILE")
        try:
            if path:
                text = Path(path).read_text("utf-8")
            text = text.strip()
            if self.default is None and not text:
                raise ValueError("set")  # completes "NAME must be"
            return self.parser(text)
        except (OSError, UnicodeError):
            problem = f"{self.name}_FILE must be the path of a readable UTF-8 file; got {path!r}"
        except ValueError as error:
            shown = "a value that is not shown" if self.secret and text else repr(text)
            problem = f"{self.name} must be {error}; got {shown}"
        remedy = f"Set {self.name}, or set {self.name}_FILE to the path of a file with its value."
        raise SettingError(f"{problem}. {remedy}")


def setting(name: str, default: str | None, parser: Parser, help: str, secret: bool = False) -> Any:
    """Declare a field of a settings class that is read from the environment variable `name`.

    `default` is written as in the environment; None means that a value is required. `parser` turns
    the text into a value, or raises a `ValueError` that completes the sentence "NAME must be …".
    A `secret` appears neither in the settings' repr nor in an error.
    """
    variable = Variable(name, default, parser, help, secret)
    value = MISSING if default is None else parser(default)
    return field(default=value, repr=not secret, metadata={"variable": variable})


def load(settings_class: type[T], overrides: Mapping[str, str] | None = None) -> T:
    """Load a settings class and its nested classes from the environment.

    `overrides` take precedence over the environment. Raises `SettingError` with a message for
    every variable that is missing or invalid.
    """
    environment = {**os.environ, **(overrides or {})}
    values: dict[str, Any] = {}
    errors: list[str] = []
    for name, member in _members(settings_class):
        try:
            if isinstance(member, Variable):
                values[name] = member.read(environment)
            else:
                values[name] = load(member, overrides)
        except SettingError as error:
            errors += error.errors
    if errors:
        raise SettingError(*errors)
    return settings_class(**values)


def variables(settings_class: type) -> Iterator[Variable]:
    """Yield each variable that a settings class and its nested classes declare."""
    for _, member in _members(settings_class):
        yield from [member] if isinstance(member, Variable) else variables(member)


def warn_about_unknown(settings_class: type, overrides: Mapping[str, str] | None = None) -> None:
    """Log each APP_ variable that nothing reads: it is probably misspelt."""
    names = {each.name for each in variables(settings_class)}
    known = names | {f"{name}_FILE" for name in names}
    for name in sorted({*os.environ, *(overrides or {})} - known):
        if name.startswith("APP_"):
            log.warning("setting.unknown", extra={"setting": name})


def _members(settings_class: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name of each field, with its variable or its nested class."""
    for each in fields(settings_class):
        yield each.name, each.metadata.get("variable", each.type)
