"""The WSGI application that a server imports; nothing here depends on uWSGI."""

import logging
import sys

from main.application import create_app
from main.util.config import SettingError
from main.util.observability import logs

try:
    app = create_app()
    # For threads without a request.
    app.extensions["scope"].make_default()
except SettingError as error:
    logs.configure("ERROR")
    logging.getLogger(__name__).error("start.failed", extra={"errors": error.errors})
    sys.exit(1)
