"""The settings of this service, read from environment variables."""

from dataclasses import dataclass

from main.util.config import current_scope
from main.util.settings import UtilSettings


@dataclass(frozen=True, kw_only=True)
class Settings(UtilSettings):
    """The service's own settings, besides those of `main.util`."""


def current() -> Settings:
    """Return the settings in force: the application's, or else those of the environment.

    Works in requests, in services, in pool threads and pool processes, and in scripts.
    """
    return current_scope().settings(Settings)
