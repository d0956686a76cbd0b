"""nginx, uWSGI and the application log one JSON object a line."""

import re
from pathlib import Path

import pytest

from harness.http import JSON
from harness.project import patched_copy
from harness.stack import Stack, StackType

TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"
PASSWORD = "hunter2"  # noqa: S105
# Request target and User-Agent that could break a line or its JSON.
HOSTILE = {
    "quotes": (b'/"},{"a":"', b'x"}\\'),
    "invalid-utf8": (b"/\xff\xfe", b"\xff\xfe\x80"),
    "control-characters": (b"/%00%0a%22\\", b"\t\x7f"),
    "unicode": ("/ü".encode(), "ü\u2028".encode()),
}
# Replaces the first import of main/wsgi.py.
PRINTS_AT_IMPORT = r"""
import os, sys
print({"a": 1}, flush=True)
os.write(2, b'\n\xff\x00\x1b "quoted" \\ ' + 9000 * b"x" + b'\n{"cut\n')
"""


def wait_for_access_line(stack: Stack) -> None:
    """Send a last request and wait until its line is logged; this parses every earlier line."""
    request_id = stack.get("/livez/last").headers["X-Request-ID"]
    stack.log.wait_for_line(logger="nginx", request_id=request_id)


def test_the_request_id_joins_the_lines_of_a_request(stack: Stack) -> None:
    """The application and nginx log the same request, each with one line."""
    request_id = stack.get("/unknown").headers["X-Request-ID"]
    nginx = stack.log.wait_for_line(logger="nginx", request_id=request_id)
    app = stack.log.wait_for_line(logger="main.util.web.problems", request_id=request_id)
    assert nginx["event"] == "request.served"
    assert nginx["method"] == "GET"
    assert nginx["uri"] == "/unknown"
    assert nginx["status"] == app["status"] == 404
    assert app["event"] == "request.refused"
    for line in (nginx, app):
        assert re.fullmatch(TIMESTAMP, line["time"])
        assert line["level"] == "INFO"
    assert stack.lines(request_id=request_id) == [app, nginx]


def test_credentials_are_never_logged(stack: Stack) -> None:
    """Neither headers nor bodies reach the log, whichever program refuses the request."""
    headers = {**JSON, "Authorization": f"Bearer {PASSWORD}", "Cookie": f"secret={PASSWORD}"}
    for method, path in (("GET", "/unknown"), ("POST", "/v1/primes"), ("GET", "/docs/init.js")):
        response = stack.call(method, path, f'{{"password": "{PASSWORD}"}}', headers)
        request_id = response.headers["X-Request-ID"]
        stack.log.wait_for_line(logger="nginx", request_id=request_id)
    assert PASSWORD not in stack.log.text()


def test_query_strings_are_not_logged(stack: Stack) -> None:
    """They may contain personal data; both writers leave them out."""
    for path in ("/v1/hello?name=hunter2", "/unknown?name=hunter2", "/docs/?hunter2"):
        request_id = stack.get(path).headers["X-Request-ID"]
        line = stack.log.wait_for_line(logger="nginx", request_id=request_id)
        assert line["uri"] == path.partition("?")[0]
    assert PASSWORD not in stack.log.text()


def test_query_strings_are_logged_on_demand(stack_type: StackType, project: Path) -> None:
    """APP_LOG_QUERY is true."""
    with stack_type(project, APP_LOG_QUERY="true") as stack:
        stack.get("/v1/hello?name=Bob")
        stack.log.wait_for_line(logger="nginx", uri="/v1/hello?name=Bob")


def test_an_absent_user_agent_is_empty(stack: Stack) -> None:
    """Other values than ASCII have a placeholder."""
    stack.send_raw(b"GET /v1/none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert stack.log.wait_for_line(logger="nginx", uri="/v1/none")["user_agent"] == ""


def test_long_values_are_cut(stack: Stack) -> None:
    """A pipe takes 4 KB at once, and a longer line could be torn."""
    target, agent = b"/v1/long" + b'"' * 5000, b'"' * 5000
    head = b"GET %s HTTP/1.1\r\nHost: x\r\nUser-Agent: %s\r\nConnection: close\r\n\r\n"
    stack.send_raw(head % (target, agent))
    wait_for_access_line(stack)
    (line,) = [each for each in stack.lines() if each.get("uri", "").startswith("/v1/long")]
    assert line["uri"].endswith("(cut)")
    assert line["user_agent"].endswith("(cut)")
    (text,) = [each for each in stack.log.text().splitlines() if "/v1/long" in each]
    assert len(text) < 4096


def test_a_mistake_of_a_client_is_no_error(stack: Stack) -> None:
    """A body that is too large is nginx's to refuse."""
    assert stack.call("POST", "/v1/primes", b" " * (2 << 20), JSON).status == 413
    line = stack.log.wait_for_line(logger="nginx", event="nginx.printed", level="INFO")
    assert "client intended to send too large body" in line["message"]


@pytest.mark.parametrize(("target", "user_agent"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_requests_leave_every_line_valid(
    stack: Stack, target: bytes, user_agent: bytes
) -> None:
    """Bytes of the request cannot break the JSON of the access log."""
    head = b"GET %s HTTP/1.1\r\nHost: x\r\nUser-Agent: %s\r\nConnection: close\r\n\r\n"
    stack.send_raw(head % (target, user_agent))
    wait_for_access_line(stack)


def test_a_malformed_request_line_leaves_every_line_valid(stack: Stack) -> None:
    """Bytes that are no HTTP cannot break the JSON of the access log."""
    stack.send_raw(b'\xff"\\GET \x01 / {"\r\n\r\n')
    wait_for_access_line(stack)


def test_printed_text_becomes_json(stack_type: StackType, project: Path, tmp_path: Path) -> None:
    """This holds for text, binary data and long lines on stdout and stderr."""
    changes = {"import sys\n": PRINTS_AT_IMPORT}
    printing = patched_copy(project, tmp_path / "service", "main/wsgi.py", changes)
    with stack_type(printing) as stack:
        assert stack.stop() == 0
        events = stack.lines(event="uwsgi.printed")
    printed = [text for event in events for text in event["message"].splitlines()]
    assert "{'a': 1}" in printed
    assert '{"cut' in printed
    assert any(text.startswith('\\xff\x00\x1b "quoted" \\ xxx') for text in printed)


def test_the_error_log_of_nginx_becomes_json(stack_type: StackType, project: Path) -> None:
    """The error log of nginx is plain text."""
    with stack_type(project, "nginx", ready="/livez") as stack:
        stack.get("/readyz")
        line = stack.log.wait_for_line(logger="nginx", event="nginx.printed", level="CRITICAL")
        assert ".sock failed (2: No such file or directory)" in line["message"]
