"""A service with endpoints that use its pools and its HTTP client; replaces main/wsgi.py.

WARM_UP names the maps ("threads processes") that run while the module is imported. Without
lazy-apps that happens in uWSGI's master, before it forks.
"""

import logging
import os
import time
from typing import Any

from flask import current_app, jsonify, request
from main.application import create_app
from main.util.concurrency import process_map, thread_map
from main.util.context import current_request_id
from main.util.http_client import Bearer, Client
from main.util.observability import timed

MAPS: dict[str, Any] = {"threads": thread_map, "processes": process_map}
log = logging.getLogger("pools_app")


@timed
def square(number: int) -> dict[str, Any]:
    """Log the task; return its result, its process and its request id."""
    log.warning("task.run", extra={"number": number})
    time.sleep(0.01)
    return {"pid": os.getpid(), "request_id": current_request_id.get(), "square": number**2}


def application_name(number: int) -> str:
    """Return the name of the current application, which needs the application context."""
    return f"{current_app.name} {number}"


app = create_app()
app.extensions["scope"].make_default()
for name in os.environ.get("WARM_UP", "").split():
    MAPS[name](square, range(4))


@app.get("/squares/<name>")
def squares(name: str) -> Any:
    """Compute squares on threads or processes."""
    results = MAPS[name](square, range(int(request.args.get("count", "4"))))
    return jsonify(pid=os.getpid(), results=results)


@app.get("/application-names")
def application_names() -> Any:
    """Read the application context on threads."""
    return jsonify(thread_map(application_name, range(4)))


@app.post("/upstream")
def call_upstream() -> Any:
    """Call the upstream that the request describes."""
    arguments = request.get_json()
    auth = Bearer(arguments["token"]) if "token" in arguments else None
    client = Client(arguments["url"], auth=auth, **arguments.get("client", {}))
    path, method = arguments.get("path", ""), arguments.get("method", "GET")
    return jsonify(body=client.request(method, path, **arguments.get("options", {})))
