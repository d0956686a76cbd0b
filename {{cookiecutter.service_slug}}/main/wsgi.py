"""The WSGI callable that a server imports; it needs nothing of uWSGI."""

import sys

from main import create_app
from main.util.config import SettingError

try:
    app = create_app()
except SettingError as error:
    sys.exit(f"Cannot start: {error}")
