"""The largest amounts that clients can make the service hold add up to less than its limits.

Each bound is in its own file. These sums fail when one of them is raised alone.
"""

import re
from pathlib import Path

import pytest

from harness.config_files import (
    MEGABYTE,
    compose_service,
    nginx_numbers,
    python_constant,
    uwsgi_number,
)
from harness.manifests import Manifest, build_manifests, pod_specs
from harness.project import Bake

KILOBYTE = 1024
# Measured: nginx, and the application with its workers and one pool process each.
NGINX = 12 * MEGABYTE
APPLICATION = 115 * MEGABYTE
# Files of 64 KiB for three kinds of metrics, for the master and two workers, with room to grow.
METRICS = 4 * MEGABYTE
# A key takes 128 bytes of its zone. A file has nginx's own header, and takes whole pages.
CACHE_KEY, CACHED_RESPONSE = 128, 12 * KILOBYTE
# The page of the documentation with Swagger UI.
DOCS = 2 * MEGABYTE
# A request in the backlog: its headers in the uwsgi protocol, in a buffer of the kernel.
WAITING_REQUEST = 64 * KILOBYTE


@pytest.fixture(scope="module")
def project(baked: Bake) -> Path:
    """Return the default service."""
    return baked()


@pytest.fixture(scope="module")
def pod(project: Path) -> Manifest:
    """Return the specification of the default service's pod."""
    (found,) = pod_specs(build_manifests(project))
    return found


def concurrent(project: Path, zone: str) -> int:
    """Return how many requests of a zone nginx admits at a time: everywhere the same number."""
    text = (project / "deploy" / "nginx.conf").read_text("utf-8")
    (limit,) = set(re.findall(rf"^\s*limit_conn {zone} (\d+);", text, re.MULTILINE))
    return int(limit)


def uploads(project: Path) -> int:
    """Return the bytes of bodies that nginx spools."""
    (size,) = nginx_numbers(project, "client_max_body_size")
    return concurrent(project, "uploads") * size


def bodies(project: Path) -> int:
    """Return the bytes of bodies that uWSGI spools: one for each thread."""
    settings = python_constant(project, "deploy/stack_settings.py", "INTEGERS")
    threads = settings["UWSGI_PROCESSES"][2] * settings["UWSGI_THREADS"][2]
    (size,) = nginx_numbers(project, "client_max_body_size")
    return int(threads * size)


def micro_cache(project: Path) -> int:
    """Return the bytes of cached responses: as many as there are keys."""
    text = (project / "deploy" / "nginx.conf").read_text("utf-8")
    (zone,) = re.findall(r"keys_zone=micro:(\d+)k", text)
    return int(zone) * KILOBYTE // CACHE_KEY * CACHED_RESPONSE + DOCS


def nginx_memory(project: Path) -> int:
    """Return the bytes that nginx needs for its connections, without files."""
    (workers,) = nginx_numbers(project, "worker_processes")
    (connections,) = nginx_numbers(project, "worker_connections")
    (first,) = nginx_numbers(project, "client_header_buffer_size")
    number, size = nginx_numbers(project, "large_client_header_buffers")
    (body,) = nginx_numbers(project, "client_body_buffer_size")
    (head,) = nginx_numbers(project, "uwsgi_buffer_size")
    pieces, piece = nginx_numbers(project, "uwsgi_buffers")
    for_clients = workers * connections * (first + number * size + KILOBYTE)
    per_request = body + head + pieces * piece + WAITING_REQUEST
    return NGINX + for_clients + concurrent(project, "requests") * per_request


def size(mount: str) -> int:
    """Return the size of a tmpfs in docker-compose.yml."""
    (megabytes,) = re.findall(r"size=(\d+)m", mount)
    return int(megabytes) * MEGABYTE


def mebibytes(text: str) -> int:
    """Return the bytes of a quantity of Kubernetes."""
    return int(text.removesuffix("Mi")) * MEGABYTE


def test_files_fit_into_the_tmpfs(project: Path, pod: Manifest) -> None:
    """Spooled responses have one of their own, so that they cannot fill that of the others."""
    needed = uploads(project) + bodies(project) + micro_cache(project) + METRICS
    mounts = {mount.partition(":")[0]: size(mount) for mount in compose_service(project)["tmpfs"]}
    assert needed <= mounts["/tmp"]  # noqa: S108
    # The other volumes are read-only.
    volumes = {each["name"]: each["emptyDir"] for each in pod["volumes"] if "emptyDir" in each}
    assert all(each["medium"] == "Memory" for each in volumes.values())
    sizes = {name: mebibytes(each["sizeLimit"]) for name, each in volumes.items()}
    assert sizes == {"run": mounts["/tmp"], "spool": mounts["/tmp/uwsgi"]}  # noqa: S108


def test_a_response_that_is_spooled_fits(project: Path, pod: Manifest) -> None:
    """Several of the largest ones at the same time."""
    (largest,) = nginx_numbers(project, "uwsgi_max_temp_file_size")
    (spool,) = (each for each in pod["volumes"] if each["name"] == "spool")
    assert 8 * largest <= mebibytes(spool["emptyDir"]["sizeLimit"])


def test_memory_fits_into_the_limits_of_the_pod(project: Path, pod: Manifest) -> None:
    """Pages of a memory volume belong to the container that has written them."""
    nginx, app = (mebibytes(each["resources"]["limits"]["memory"]) for each in pod["containers"])
    (spool,) = (each for each in pod["volumes"] if each["name"] == "spool")
    spooled = mebibytes(spool["emptyDir"]["sizeLimit"])
    assert nginx_memory(project) + uploads(project) + micro_cache(project) + spooled <= nginx
    assert APPLICATION + results(project) + bodies(project) + METRICS <= app


def test_memory_fits_into_the_limit_of_compose(project: Path) -> None:
    """There, one container runs both."""
    service = compose_service(project)
    files = sum(map(size, service["tmpfs"]))
    (limit,) = re.findall(r"^(\d+)m$", service["mem_limit"])
    total = APPLICATION + results(project) + nginx_memory(project) + files
    assert total <= int(limit) * MEGABYTE


def results(project: Path) -> int:
    """Return the bytes of cached results: each worker keeps APP_CACHE_SIZE megabytes."""
    settings = python_constant(project, "deploy/stack_settings.py", "INTEGERS")
    example = (project / ".env.example").read_text("utf-8")
    (megabytes,) = re.findall(r"^APP_CACHE_SIZE=(\d+)$", example, re.MULTILINE)
    return int(settings["UWSGI_PROCESSES"][2]) * int(megabytes) * MEGABYTE


def test_the_backlog_is_as_long_as_nginx_admits(project: Path) -> None:
    """Otherwise nginx would answer 502 to the rest."""
    backlog = python_constant(project, "deploy/servers.py", "BACKLOG")
    assert backlog == concurrent(project, "requests")
    assert (
        uwsgi_number(project, "post-buffering")
        >= nginx_numbers(project, "client_body_buffer_size")[0]
    )
