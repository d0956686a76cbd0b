"""A service whose keys age quickly; replaces main/wsgi.py of a rendered service.

AUTH_REFRESH_AFTER and AUTH_FETCH_INTERVAL are seconds.
"""

import os
from itertools import count
from typing import Any

from main.application import create_app
from main.util.web.auth import current_caller, keys

keys.REFRESH_AFTER = float(os.environ["AUTH_REFRESH_AFTER"])
keys.FETCH_INTERVAL = float(os.environ["AUTH_FETCH_INTERVAL"])

app = create_app()
calls = count()


@app.get("/caller")
def show_caller() -> tuple[dict[str, Any], dict[str, str]]:
    """Return the caller, and how often this was called; wrongly, everybody may keep it."""
    caller = current_caller()
    body = {"subject": caller.subject, "scopes": sorted(caller.scopes), "call": next(calls)}
    return body, {"Cache-Control": "public, max-age=60"}


@app.get("/fails")
def fail() -> None:
    """Raise an exception while a token is at hand."""
    raise RuntimeError(repr(current_caller()))
