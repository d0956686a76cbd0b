"""Stands in for a service's main/wsgi.py: the service, and endpoints to try out its pools.

WARM names the kinds of map that are used as early as the module is imported, which without
lazy-apps is in uWSGI's master, before it forks.
"""

import logging
import os
import time
from typing import Any

from flask import current_app, jsonify, request
from main import create_app
from main.util import logs
from main.util.concurrency import process_map, thread_map
from main.util.http import Bearer, Client
from main.util.timing import timed

MAPS: dict[str, Any] = {"threads": thread_map, "processes": process_map}
log = logging.getLogger("driver")


@timed
def work(number: int) -> dict[str, Any]:
    """Tell who does this, and log it."""
    log.warning("driver.work", extra={"number": number})
    time.sleep(0.01)
    return {"pid": os.getpid(), "request_id": logs.request_id.get(), "square": number**2}


def name(number: int) -> str:
    """Return the application's name, which a thread of another request's would not know."""
    return f"{current_app.name} {number}"


app = create_app()
for kind in os.environ.get("WARM", "").split():
    MAPS[kind](work, range(4))


@app.get("/work/<kind>")
def do_work(kind: str) -> Any:
    """Work on a few numbers."""
    results = MAPS[kind](work, range(int(request.args.get("count", "4"))), timeout=10)
    return jsonify(pid=os.getpid(), results=results)


@app.get("/names")
def names() -> Any:
    """Work on threads that need the application's context."""
    return jsonify(thread_map(name, range(4)))


@app.post("/upstream")
def upstream() -> Any:
    """Call another service."""
    given = request.get_json()
    client = Client(given["url"], **given.get("client", {}))
    if "token" in given:
        client.auth = Bearer(given["token"])
    path, options = given.get("path", ""), given.get("options", {})
    return jsonify(answer=client.request(given.get("method", "GET"), path, **options))
