"""The id of the current request, accepted from the caller or created."""

import os
import re
from contextvars import ContextVar

REQUEST_ID_HEADER = "X-Request-ID"

# The id is copied into log lines and headers, so only plain text is accepted.
# deploy/nginx.conf has the same pattern, and behind nginx its decision is final.
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)

# The id of the request that this thread is serving or has served last; None before the first.
current_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def start_request_id(given: str) -> str:
    """Set the id for a new request: the given one if it is well-formed, or a random one."""
    request_id = given if WELL_FORMED.fullmatch(given) else os.urandom(16).hex()
    current_request_id.set(request_id)
    return request_id
