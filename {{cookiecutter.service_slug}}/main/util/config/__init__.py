"""Config: settings that are declared once, read from the environment, and checked at start."""

from main.util.config.declare import SettingError, load, setting, variables, warn_about_unknown
from main.util.config.defaults import DEFAULTS, NAME
from main.util.config.parsers import (
    boolean,
    choice,
    integer,
    is_url,
    positive_seconds,
    ratio,
    url_list,
)
from main.util.config.scope import Scope, current_scope

__all__ = [
    "DEFAULTS",
    "NAME",
    "Scope",
    "SettingError",
    "boolean",
    "choice",
    "current_scope",
    "integer",
    "is_url",
    "load",
    "positive_seconds",
    "ratio",
    "setting",
    "url_list",
    "variables",
    "warn_about_unknown",
]
