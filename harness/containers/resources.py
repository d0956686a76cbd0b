"""Names of what a test run creates in the container engine, and its removal.

Every name contains the process id of the run, so that runs do not disturb each other and what a
killed run left behind is recognised.
"""

import os
import uuid

import psutil
from filelock import FileLock

from harness.containers import engine
from harness.project import BUILD

PREFIX = "flask-microservice-test"
# The variable with the run's process id. The workers of pytest-xdist inherit it.
RUN = "CONTAINER_TEST_RUN"
# One file for each run that has used the engine, named by its process id.
RUNS = BUILD / "container-runs"
KINDS = ("container", "network", "volume")


def start_run() -> None:
    """Let this process and its children create resources of a new run."""
    os.environ[RUN] = str(os.getpid())


def resource_name(suffix: str = "") -> str:
    """Return a name of this run that ends with `suffix`; default: a unique one."""
    run = os.environ.setdefault(RUN, str(os.getpid()))
    RUNS.mkdir(parents=True, exist_ok=True)
    (RUNS / run).touch()
    return f"{PREFIX}-{run}-{suffix or uuid.uuid4().hex[:8]}"


def storage_lock() -> FileLock:
    """Return a lock to hold while building: podman must not remove an image meanwhile."""
    BUILD.mkdir(exist_ok=True)
    return FileLock(BUILD / "storage.lock")


def remove_resources() -> None:
    """Remove what this run, and runs that have ended, created in the engine."""
    if not RUNS.exists() or engine.find() is None:
        return
    for marker in RUNS.iterdir():
        if marker.name == str(os.getpid()) or not psutil.pid_exists(int(marker.name)):
            _remove(f"{PREFIX}-{marker.name}-")
            marker.unlink(missing_ok=True)


def _remove(prefix: str) -> None:
    if engine.is_podman():
        for name in resource_names("pod", prefix):
            engine.run("pod", "kill", name, check=False)
            engine.run("pod", "rm", "--force", name, check=False)
    for name in resource_names("container", prefix):
        engine.run("kill", name, check=False)
    for kind in KINDS:
        if names := resource_names(kind, prefix):
            engine.run(kind, "rm", "--force", *names, check=False)
    if images := resource_names("image", prefix):
        with storage_lock():
            engine.run("rmi", "--force", *images, check=False)


def resource_names(kind: str, prefix: str) -> list[str]:
    """Return the names of containers, pods, networks, volumes or images that contain `prefix`."""
    options, template = {
        "container": (["--all"], "{{.Names}}"),
        "image": ([], "{{.Repository}}:{{.Tag}}"),
    }.get(kind, ([], "{{.Name}}"))
    listed = engine.run(kind, "ls", *options, "--format", template, check=False)
    return [name for name in listed.split() if prefix in name]
