"""A `docker` command for Makefiles and scripts: it calls this machine's engine."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from harness.containers import engine
from harness.containers.compose import engine_socket
from harness.requirements import require
from harness.toolbox import stub

# podman would name an image localhost/NAME, and gives builds no network by default.
PODMAN = """
case $1 in
  compose) shift; exec {compose} "$@" ;;
  build) shift 2; name=docker.io/library/$1; shift
    exec {engine} build --network host --tag "$name" "$@" ;;
  *) exec {engine} "$@" ;;
esac
"""
DOCKER = """
case $1 in
  compose) shift; exec {compose} "$@" ;;
  *) exec {engine} "$@" ;;
esac
"""


@contextlib.contextmanager
def docker_command(folder: Path) -> Iterator[dict[str, str]]:
    """Yield the variables of a process that finds the command `docker`, made in `folder`.

    `docker compose` is Docker's own program.
    """
    script = PODMAN if engine.is_podman() else DOCKER
    stub(
        folder / "docker", script.format(compose=require("docker-compose"), engine=engine.engine())
    )
    with engine_socket() as socket:
        path = os.pathsep.join((str(folder), os.environ["PATH"]))
        yield {**engine.variables(), **socket, "PATH": path}
