"""Read facts from the configuration files of a rendered service."""

import ast
import configparser
import re
from pathlib import Path
from typing import Any

import yaml

MEGABYTE = 1024**2
UNITS = {"": 1, "s": 1, "k": 1024, "m": MEGABYTE}


def nginx_numbers(project: Path, directive: str) -> list[int]:
    """Return the numbers of a directive that nginx.conf has once, in seconds or bytes."""
    text = (project / "deploy" / "nginx.conf").read_text("utf-8")
    (arguments,) = re.findall(rf"^\s*{directive} ([^;#]+);", text, re.MULTILINE)
    return [
        int(number) * UNITS[unit] for number, unit in re.findall(r"\b(\d+)([skm]?)\b", arguments)
    ]


def uwsgi_number(project: Path, option: str) -> int:
    """Return a number of uwsgi.ini."""
    parser = configparser.RawConfigParser()
    parser.read_string((project / "deploy" / "uwsgi.ini").read_text("utf-8"))
    return parser.getint("uwsgi", option)


def python_constant(project: Path, path: str, name: str) -> Any:
    """Return the value that a Python module assigns to a name."""
    for node in ast.parse((project / path).read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"{path} does not assign {name}")


def dockerfile_ports(project: Path) -> tuple[str, str]:
    """Return the public port and the operations port that the image exposes."""
    text = (project / "Dockerfile").read_text("utf-8")
    ((port, ops_port),) = re.findall(r"^EXPOSE (\d+) (\d+)$", text, re.MULTILINE)
    return port, ops_port


def compose_service(project: Path) -> dict[str, Any]:
    """Return the service itself from docker-compose.yml, without its cache server."""
    compose = yaml.safe_load((project / "docker-compose.yml").read_text("utf-8"))
    found = compose["services"][project.name]
    assert isinstance(found, dict)
    return found


def stop_timeout(project: Path) -> int:
    """Return the seconds after which the supervisor has killed both programs."""
    steps = ("NGINX_TIMEOUT", "UWSGI_TIMEOUT")
    return sum(python_constant(project, "deploy/supervisor.py", step) for step in steps)


def stop_grace_period(project: Path) -> int:
    """Return the seconds after which compose kills a service that does not stop."""
    period = str(compose_service(project)["stop_grace_period"])
    assert period.endswith("s")
    return int(period.removesuffix("s"))
