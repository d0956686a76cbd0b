"""Limits that several files repeat agree; test/deploy/test_limits.py of a service has others."""

import re
from pathlib import Path

import pytest

from harness.config_files import (
    compose_service,
    dockerfile_ports,
    nginx_numbers,
    python_constant,
    stop_grace_period,
    stop_timeout,
    uwsgi_number,
)
from harness.project import Bake

# nginx adds these to what the caller sent: addresses, names, the request id.
NGINX_PARAMETERS = 1024
# The shortest header line, "a:\n", becomes a name "HTTP_A", an empty value and two lengths.
HEADER_GROWTH = 10 / 3
# uWSGI accepts no larger buffer.
MAX_BUFFER_SIZE = 65535


@pytest.fixture(scope="module")
def project(baked: Bake) -> Path:
    """Return the default service."""
    return baked()


def text(project: Path, path: str) -> str:
    """Return the text of a file of the project."""
    return (project / path).read_text("utf-8")


def max_drain_delay(project: Path) -> int:
    """Return the largest DRAIN_DELAY that the entry point accepts."""
    _, highest, _ = stack_setting(project, "DRAIN_DELAY")
    return highest


def stack_setting(project: Path, name: str) -> tuple[int, int, int]:
    """Return the lowest, the highest and the default value of a setting of the stack."""
    settings = python_constant(project, "deploy/stack_settings.py", "INTEGERS")
    lowest, highest, default = settings[name]
    return lowest, highest, default


def test_every_timeout_is_longer_than_the_one_inside_it(project: Path) -> None:
    """From the HTTP client out to the container engine."""
    (drain,) = nginx_numbers(project, "worker_shutdown_timeout")
    timeouts = [
        python_constant(project, "main/util/context/deadline.py", "QUEUE_TIMEOUT"),
        python_constant(project, "main/util/http_client/client.py", "TOTAL_TIMEOUT"),
        python_constant(project, "main/util/context/deadline.py", "REQUEST_TIMEOUT"),
        python_constant(project, "main/util/web/watchdog.py", "HANG_TIMEOUT"),
        uwsgi_number(project, "harakiri"),
        *nginx_numbers(project, "uwsgi_read_timeout"),
        drain,
        stop_grace_period(project),
    ]
    assert timeouts == sorted(set(timeouts))
    assert max_drain_delay(project) + drain < stop_grace_period(project)


def test_the_documented_timeouts_are_those_of_the_files(project: Path) -> None:
    """docs/operations.md has a row for each."""
    row = re.compile(r"^\| (\d+) s, .* \| `(\w+)` \| `(\S+)` \|$", re.MULTILINE)
    rows = row.findall(text(project, "docs/operations.md"))
    assert len(rows) > 5
    for seconds, name, path in rows:
        assert re.search(rf"^ *{name}\W+{seconds}(?!\d)", text(project, path), re.MULTILINE), name


def test_nginx_drains_before_it_is_killed(project: Path) -> None:
    """Its own limit applies first."""
    (drain,) = nginx_numbers(project, "worker_shutdown_timeout")
    assert drain < python_constant(project, "deploy/supervisor.py", "NGINX_TIMEOUT")


def test_the_steps_of_a_stop_fit_into_the_time_that_a_container_has(project: Path) -> None:
    """With the longest DRAIN_DELAY."""
    assert max_drain_delay(project) + stop_timeout(project) < stop_grace_period(project)


def test_accepted_headers_fit_into_the_buffer_of_uwsgi(project: Path) -> None:
    """However much they grow as parameters of the uwsgi protocol."""
    (first,) = nginx_numbers(project, "client_header_buffer_size")
    number, size = nginx_numbers(project, "large_client_header_buffers")
    largest = (first + number * size) * HEADER_GROWTH + NGINX_PARAMETERS
    assert largest <= uwsgi_number(project, "buffer-size") <= MAX_BUFFER_SIZE


def test_ports_agree(project: Path) -> None:
    """The image, compose, the entry point and nginx.conf name the same two."""
    ports = dockerfile_ports(project)
    published = [str(port).rpartition(":")[2] for port in compose_service(project)["ports"]]
    assert tuple(published) == ports
    pattern = r"listen (?:127\.0\.0\.1:)?(\d+);"
    assert tuple(re.findall(pattern, text(project, "deploy/nginx.conf"))) == ports
    defaults = [stack_setting(project, name)[2] for name in ("PORT", "OPS_PORT")]
    assert tuple(map(str, defaults)) == ports


def test_nginx_and_the_application_accept_the_same_request_ids(project: Path) -> None:
    """Both use one regular expression."""
    nginx = re.findall(r'"~\^(.*)\$" \$http_x_request_id;', text(project, "deploy/nginx.conf"))
    application = re.findall(
        r'^WELL_FORMED = re\.compile\(r"(.*)", re\.ASCII\)$',
        text(project, "main/util/context/request_id.py"),
        re.MULTILINE,
    )
    assert len(nginx) == 1
    assert nginx == application


def test_both_servers_send_the_docs_page_with_the_same_policy(project: Path) -> None:
    """The content security policy of nginx, and that of the application for Flask's own server."""
    (policy,) = re.findall(r'~\^/docs/ "(.*)";', text(project, "deploy/nginx.conf"))
    assert python_constant(project, "main/controller/docs.py", "CONTENT_SECURITY_POLICY") == policy
