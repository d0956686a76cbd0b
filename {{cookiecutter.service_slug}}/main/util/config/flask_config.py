"""Flask's configuration and the service's name, from main/resources/flask.toml."""

import tomllib
from pathlib import Path

_RESOURCES = Path(__file__).parents[2] / "resources"

FLASK_CONFIG = tomllib.loads((_RESOURCES / "flask.toml").read_text("utf-8"))
NAME: str = FLASK_CONFIG["NAME"]
