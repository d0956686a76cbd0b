"""WSGI middleware: each function wraps a WSGI application; application.py lists their order."""

from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any

from main.util.context import REQUEST_ID_HEADER, deadline, start_request_id, start_trace
from main.util.observability.metrics import observe_request
from main.util.web.problems import reason_phrase

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Werkzeug writes reason phrases in capitals, and older ones.
STATUS_LINES = {f"{each}": f"{each} {reason_phrase(each)}" for each in HTTPStatus}


def with_context(application: "WSGIApplication") -> "WSGIApplication":
    """Give every request a deadline, an id and a trace; return the id in the response."""

    def wrapper(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        deadline.start(deadline.REQUEST_TIMEOUT)
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

        return application(environ, start)

    return wrapper


def with_response_defaults(application: "WSGIApplication") -> "WSGIApplication":
    """Forbid storing a response without Cache-Control; write every status as in RFC 9110."""

    def wrapper(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            if "cache-control" not in {name.lower() for name, _ in headers}:
                headers.append(("Cache-Control", "no-store"))
            return start_response(STATUS_LINES.get(status[:3], status), headers, *rest)

        return application(environ, start)

    return wrapper


def with_metrics(application: "WSGIApplication") -> "WSGIApplication":
    """Record how long every request took until its response started."""

    def wrapper(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        started = perf_counter()

        def start(status: str, *rest: Any) -> Any:
            rule = environ["werkzeug.request"].url_rule  # set by Flask
            route = rule.rule if rule else "unmatched"
            duration = perf_counter() - started
            observe_request(environ["REQUEST_METHOD"], route, status[:3], duration)
            return start_response(status, *rest)

        return application(environ, start)

    return wrapper
