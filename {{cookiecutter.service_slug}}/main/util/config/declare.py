"""Declare settings as fields of frozen dataclasses, and load them from the environment."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

PREFIX = "APP_"


class SettingError(ValueError):
    """Environment variables are missing or invalid; `errors` has one message for each."""

    def __init__(self, *errors: str) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


@dataclass(frozen=True)
class Variable:
    """An environment variable that a settings class declares.

    `default` is written as in the environment; None means that a value is required.
    """

    name: str
    default: str | None
    parser: Callable[[str], Any]
    help: str
    secret: bool

    @property
    def file_name(self) -> str:
        """Return the name of the variable that may hold the path of a file with the value."""
        return f"{self.name}_FILE"

    def read(self, environment: Mapping[str, str]) -> Any:
        """Return the parsed value; raise `ValueError` with a complete message."""
        text = self._text(environment)
        if self.default is None and not text:
            raise ValueError(
                f"{self.name} must be set; got nothing. "
                f"Set it, or set {self.file_name} to the path of a file that holds it."
            )
        try:
            return self.parser(text.strip())
        except ValueError as error:
            shown = "a value that is not shown" if self.secret else repr(text)
            remedy = f" or unset it to use {self.default!r}" if self.default else ""
            message = f"{self.name} must be {error}; got {shown}. Correct it{remedy}."
            raise ValueError(message) from None

    def _text(self, environment: Mapping[str, str]) -> str:
        path = environment.get(self.file_name)
        if not path:
            return environment.get(self.name, self.default or "")
        if self.name in environment:
            raise ValueError(
                f"{self.name} must be set directly or by {self.file_name}; got both. Unset one."
            )
        try:
            return Path(path).read_text("utf-8")
        except (OSError, UnicodeError) as error:
            raise ValueError(
                f"{self.file_name} must be the path of a readable file; got {path!r} ({error}). "
                f"Create the file, or set {self.name} instead."
            ) from None


def setting(
    name: str,
    default: str | None,
    parser: Callable[[str], Any],
    help: str,
    *,
    secret: bool = False,
) -> Any:
    """Declare a field of a settings class that is read from the environment variable `name`.

    `parser` turns the text into a value, or raises a `ValueError` that completes the sentence
    "NAME must be …". A `secret` appears neither in the settings' repr nor in an error.
    """
    variable = Variable(name, default, parser, help, secret)
    options = {} if default is None else {"default": parser(default)}
    return field(repr=not secret, metadata={"variable": variable}, **options)


def load(settings_class: type[T], overrides: Mapping[str, str] | None = None) -> T:
    """Load a settings class and its nested classes from the environment.

    `overrides` take precedence over the environment. Raises `SettingError` with a message for
    every variable that is missing or invalid.
    """
    errors: list[str] = []
    settings: T = _load(settings_class, {**os.environ, **(overrides or {})}, errors)
    if errors:
        raise SettingError(*errors)
    return settings


def variables(settings_class: Any) -> Iterator[Variable]:
    """Yield each variable that a settings class and its nested classes declare."""
    for each in fields(settings_class):
        if is_dataclass(each.type):
            yield from variables(each.type)
        else:
            yield each.metadata["variable"]


def warn_about_unknown(settings_class: type, overrides: Mapping[str, str] | None = None) -> None:
    """Log each APP_ variable that nothing reads: it is probably misspelt."""
    declared = list(variables(settings_class))
    known = {each.name for each in declared} | {each.file_name for each in declared}
    given = {name for name in {**os.environ, **(overrides or {})} if name.startswith(PREFIX)}
    for name in sorted(given - known):
        log.warning("setting.unknown", extra={"setting": name})


def _load(settings_class: Any, environment: Mapping[str, str], errors: list[str]) -> Any:
    values = {}
    for each in fields(settings_class):
        if is_dataclass(each.type):
            values[each.name] = _load(each.type, environment, errors)
            continue
        try:
            values[each.name] = each.metadata["variable"].read(environment)
        except ValueError as error:
            errors.append(str(error))
    return None if errors else settings_class(**values)
