"""The rate of containers by the number of clients and of workers."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.containers import LimitedContainer, alternatives
from benchmarks.rates import BARE_FLASK
from benchmarks.results import Curve
from benchmarks.wrk import CLIENTS, FailedRequestsError, rate_and_tail, require_wrk
from harness.containers.image import build_image
from harness.project import bake

CLIENT_COUNTS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
WORKER_COUNTS = [1, 2, 3, 4]
TURNS, SECONDS = 3, 2

Containers = dict[str, LimitedContainer]


def clients_and_workers(folder: Path) -> Iterator[Curve]:
    """Greet from containers with the same limits: with more clients, then with more workers."""
    require_wrk()
    service = bake(folder / "ours")
    projects = {
        "ours": service,
        "bare Flask": _bare_flask(folder / "bare", service),
        **alternatives(folder, service),
    }
    rate = Curve("clients-rate", "GET /v1/hello", "requests/s", "clients")
    tail = Curve("clients-p99", "GET /v1/hello, 99th percentile", "ms", "clients")
    with ExitStack() as stack:
        containers = {
            name: stack.enter_context(_container(project)) for name, project in projects.items()
        }
        for clients in CLIENT_COUNTS:
            _measure(containers, clients, clients, rate, tail)
    yield rate
    yield tail
    name = f"GET /v1/hello by {CLIENTS} clients"
    rate = Curve("workers-rate", name, "requests/s", "workers")
    tail = Curve("workers-p99", f"{name}, 99th percentile", "ms", "workers")
    for workers in WORKER_COUNTS:
        with ExitStack() as stack:
            containers = {
                name: stack.enter_context(_container(project, workers))
                for name, project in projects.items()
            }
            _measure(containers, CLIENTS, workers, rate, tail)
    yield rate
    yield tail


def _bare_flask(folder: Path, service: Path) -> Path:
    """Write a project whose image is the service's, with nothing but Flask."""
    folder.mkdir()
    (folder / "wsgi.py").write_text(BARE_FLASK, "utf-8")
    dockerfile = f"FROM {build_image(service)}\nCOPY wsgi.py /service/main/wsgi.py\n"
    (folder / "Dockerfile").write_text(dockerfile, "utf-8")
    return folder


def _container(project: Path, workers: int | None = None) -> LimitedContainer:
    """Return a container with a number of workers; default: that of the project."""
    count = str(workers)
    settings = {"UWSGI_PROCESSES": count, "WORKERS": count, "CHEAPER": "0"} if workers else {}
    return LimitedContainer(project, ready="/v1/hello", APP_HELLO_MAX_AGE="0", **settings)


def _measure(containers: Containers, clients: int, step: int, rate: Curve, tail: Curve) -> None:
    """Load the containers alternately; one that fails a request gets no point at this step."""
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in containers}
    for turn in range(TURNS + 1):
        for name, container in containers.items():
            try:
                measured = rate_and_tail(container.url, clients, SECONDS)
            except FailedRequestsError:
                print(f"{name}: some requests of {clients} clients failed", flush=True)
                continue
            if turn:  # The first turn warms up.
                results[name].append(measured)
    for name, measurements in results.items():
        if len(measurements) == TURNS:
            rates, tails = map(list, zip(*measurements, strict=True))
            rate.add(name, step, rates)
            tail.add(name, step, tails)
