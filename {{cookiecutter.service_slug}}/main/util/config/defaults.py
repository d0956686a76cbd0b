"""Flask's configuration and the service's name, from main/resources/defaults.toml."""

import tomllib
from pathlib import Path

_RESOURCES = Path(__file__).parents[2] / "resources"

DEFAULTS = tomllib.loads((_RESOURCES / "defaults.toml").read_text("utf-8"))
NAME: str = DEFAULTS["NAME"]
