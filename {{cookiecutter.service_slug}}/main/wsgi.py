"""The WSGI application that a server imports; nothing here depends on uWSGI."""

import gc
import logging
import os
import sys
import threading

from main.application import create_app
from main.util.config import SettingError
from main.util.observability import logs
from main.util.web import watchdog

# The exit status for an error that is already in the log (EX_CONFIG).
REASON_IS_LOGGED = 78

# Bytes of address space for threads of pools. With 1 MB, as on Alpine, deeply nested JSON of an
# upstream would crash the worker. deploy/uwsgi.ini has the same for the threads of uWSGI.
threading.stack_size(8 * 1024 * 1024)

try:
    app = create_app()
    # For threads without a request.
    app.extensions["scope"].make_default()
    # The server forks its workers after it has imported this module.
    if sys.platform != "win32":
        os.register_at_fork(after_in_child=watchdog.start)
    # A garbage collection writes to each object that it visits. Workers would soon have a copy of
    # each page that they share with the master.
    gc.freeze()
except SettingError as error:
    logs.configure("ERROR")
    logging.getLogger(__name__).error("start.failed", extra={"errors": error.errors})
    sys.exit(REASON_IS_LOGGED)
