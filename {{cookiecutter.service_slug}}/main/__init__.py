"""The service."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from main.application import Service


def create_app(overrides: Mapping[str, str] | None = None) -> "Service":
    """Build the application from the environment; `overrides` stand in front of it.

    Raises `SettingError`, which names the variable, when a setting is wrong.
    """
    # Here, because the processes of a pool import this package, too: without Flask and all that
    # comes with it, they take a third of the memory.
    from main import application

    return application.create_app(overrides)
