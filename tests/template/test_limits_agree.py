"""Limits that stand in several files, each by its own rules, and have to agree."""

import ast
import configparser
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.config_files import compose_service, nginx_numbers, python_constant, uwsgi_number
from harness.project import Bake


@pytest.fixture(scope="module")
def project(baked: Bake) -> Path:
    """Bake the default project."""
    return baked()


def drain_delay(project: Path) -> int:
    """Return the longest DRAIN_DELAY that the entry point accepts."""
    text = (project / "deploy" / "entrypoint.sh").read_text("utf-8")
    (longest,) = re.findall(r"^whole DRAIN_DELAY 0 (\d+) ", text, re.MULTILINE)
    return int(longest)


def test_who_waits_is_more_patient_than_who_works(project: Path) -> None:
    """Each layer gives up before the one that waits for it."""
    (read,) = nginx_numbers(project, "uwsgi_read_timeout")
    (drain,) = nginx_numbers(project, "worker_shutdown_timeout")
    grace = int(str(compose_service(project)["stop_grace_period"]).removesuffix("s"))
    request = python_constant(project, "main/util/deadline.py", "REQUEST")
    assert python_constant(project, "main/util/http.py", "TOTAL_TIMEOUT") < request
    assert request < uwsgi_number(project, "harakiri")
    assert uwsgi_number(project, "harakiri") < read < drain
    assert drain_delay(project) + drain < grace


def test_the_application_outlives_nginx(project: Path) -> None:
    """In a container of its own it waits for as long as nginx may take to drain."""
    (drain,) = nginx_numbers(project, "worker_shutdown_timeout")
    text = (project / "deploy" / "entrypoint.sh").read_text("utf-8")
    (margin,) = re.findall(r"patience=\$\(\(DRAIN_DELAY \+ (\d+)\)\)", text)
    assert int(margin) > drain
    grace = int(str(compose_service(project)["stop_grace_period"]).removesuffix("s"))
    assert drain_delay(project) + int(margin) < grace


def test_bodies(project: Path) -> None:
    """Nginx refuses what Flask would refuse, and nothing else."""
    defaults = tomllib.loads((project / "main/resources/defaults.toml").read_text("utf-8"))
    assert nginx_numbers(project, "client_max_body_size") == [defaults["MAX_CONTENT_LENGTH"]]


def test_headers(project: Path) -> None:
    """What nginx accepts fits into uWSGI's buffer, however much it grows on the way."""
    (first,) = nginx_numbers(project, "client_header_buffer_size")
    number, size = nginx_numbers(project, "large_client_header_buffers")
    # The shortest header line, "a:\n", is sent on as a name "HTTP_A", no value, two lengths.
    growth = 10 / 3
    others = 1024  # what nginx adds: addresses, names, the id
    assert (first + number * size) * growth + others <= uwsgi_number(project, "buffer-size") <= 65535


def test_ports(project: Path) -> None:
    """The image, compose, the entry point and nginx.conf name the same ports."""
    image = (project / "Dockerfile").read_text("utf-8")
    (exposed,) = re.findall(r"^EXPOSE (\d+) (\d+)$", image, re.MULTILINE)
    conf = (project / "deploy" / "nginx.conf").read_text("utf-8")
    script = (project / "deploy" / "entrypoint.sh").read_text("utf-8")
    published = compose_service(project)["ports"]
    assert isinstance(published, list)
    assert tuple(re.findall(r"listen (\d+);", conf)) == exposed
    assert tuple(re.findall(r"PORT=(\d+)", script)) == exposed
    assert tuple(str(port).rpartition(":")[2] for port in published) == exposed


def test_ids(project: Path) -> None:
    """What nginx takes over from a caller the application takes over, too, and nothing else."""
    conf = (project / "deploy" / "nginx.conf").read_text("utf-8")
    logs = (project / "main" / "util" / "logs.py").read_text("utf-8")
    taken = re.findall(r'"~\^(.*)\$" \$http_x_request_id;', conf)
    assert taken == re.findall(r'^WELL_FORMED = re\.compile\(r"(.*)", re\.ASCII\)$', logs, re.M)
    assert len(taken) == 1


def test_the_policy_of_the_page(project: Path) -> None:
    """It is the same with and without nginx."""
    conf = (project / "deploy" / "nginx.conf").read_text("utf-8")
    (policy,) = re.findall(r'~\^/docs/ "(.*)";', conf)
    assert python_constant(project, "main/controller/docs.py", "CONTENT_SECURITY_POLICY") == policy
