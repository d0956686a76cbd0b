"""WSGI middleware: each function wraps a WSGI application; application.py lists their order."""

import select
import sys
from threading import get_ident
from time import monotonic, perf_counter, time
from typing import TYPE_CHECKING, Any

from main.util.context import REQUEST_ID_HEADER, deadline, start_request_id, start_trace
from main.util.observability.metrics import observe_request
from main.util.web import watchdog
from main.util.web.problems import problem

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# When uWSGI started or reloaded. A request that waited for that has not waited for a thread.
STARTED_AT = time()


def with_context(application: "WSGIApplication") -> "WSGIApplication":
    """Give every request a deadline, an id and a trace; return the id in the response.

    The deadline counts from the moment at which nginx has the whole request.
    """

    def wrapper(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        now = time()
        waited = max(0.0, now - max(float(environ.get("QUEUED_AT", now)), STARTED_AT))
        deadline.start(deadline.REQUEST_TIMEOUT - waited)
        request_id = start_request_id(environ.get("HTTP_X_REQUEST_ID", ""))
        start_trace(
            environ.get("HTTP_TRACEPARENT", ""),
            environ.get("HTTP_TRACESTATE", ""),
            # From nginx, which logs it as well. It is not a header, so clients cannot set it.
            environ.get("TRACE_ID", ""),
        )

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            headers.append((REQUEST_ID_HEADER, request_id))
            return start_response(status, headers, *rest)

        thread = get_ident()
        watchdog.running[thread] = monotonic(), request_id
        try:
            return application(environ, start)
        finally:
            del watchdog.running[thread]

    return wrapper


def with_metrics(application: "WSGIApplication") -> "WSGIApplication":
    """Record how long every request took until its response started."""

    def wrapper(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        started = perf_counter()

        def start(status: str, *rest: Any) -> Any:
            # Set by Flask, unless the request is refused before.
            rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
            route = rule.rule if rule else "unmatched"
            duration = perf_counter() - started
            observe_request(environ["REQUEST_METHOD"], route, status[:3], duration)
            return start_response(status, *rest)

        return application(environ, start)

    return wrapper


def with_queue_limit(application: "WSGIApplication") -> "WSGIApplication":
    """Refuse a request that has waited too long, or whose caller has hung up meanwhile."""

    def wrapper(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        waited = deadline.REQUEST_TIMEOUT - deadline.remaining()
        # Looking at the connection takes time, so only a request that has waited pays for it.
        if waited > deadline.QUEUE_TIMEOUT or (waited > 0.1 and has_hung_up()):
            refusal = problem(503, "The service is busy.", headers={"Retry-After": "1"})
            return refusal(environ, start_response)
        return application(environ, start_response)

    return wrapper


def has_hung_up() -> bool:
    """Return whether nginx has closed the connection of the current request."""
    uwsgi = sys.modules.get("uwsgi")
    if not uwsgi:
        return False
    connection = select.poll()
    connection.register(uwsgi.connection_fd(), 0)  # only for POLLHUP
    return bool(connection.poll(0))
