"""The service's container beside other containers with the same code: start, memory and rate.

`alternatives/tiangolo` has the settings of tiangolo/uwsgi-nginx-flask: nginx and uWSGI below
supervisor, 2 to 16 processes without threads. `alternatives/gunicorn` has the number of workers
that gunicorn's documentation recommends: two for each of two processors, and one more. All
containers write a log line for each request.
"""

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.results import (
    AtMost,
    DifferenceAtMost,
    Goal,
    RatioAtLeast,
    RatioAtMost,
    Row,
)
from benchmarks.wrk import rate_and_tail, require_wrk
from harness.containers import engine
from harness.containers.container import Container
from harness.containers.image import build_image
from harness.project import bake

ALTERNATIVES = Path(__file__).with_name("alternatives")
NAMES = {"tiangolo's settings": "tiangolo", "gunicorn": "gunicorn"}
TURNS = 5
# The number of the supervisor's process.
SUPERVISOR = "$(pgrep -f '^python3 .*entrypoint.py')"
# Unit of each measurement, and its goal against each alternative.
MEASUREMENTS: dict[str, tuple[str, list[Goal | None]]] = {
    "GET /v1/hello": ("requests/s", [RatioAtLeast(1.2), RatioAtLeast(2)]),
    "99th percentile": ("ms", [RatioAtMost(1), RatioAtMost(1)]),
    "idle memory": ("MB", [None, None]),
    "memory under load": ("MB", [RatioAtMost(1), RatioAtMost(1)]),
}


class LimitedContainer(Container):
    """A container with the processors and the memory that all of them get."""

    options = ("--cpus", "2", "--memory", "256m", "--memory-swap", "256m", "--tmpfs", "/tmp")  # noqa: S108


def base_image(project: Path) -> str:
    """Return the name of the image that a service's image is built from."""
    (name,) = re.findall(r"^FROM (\S+) AS base$", (project / "Dockerfile").read_text("utf-8"), re.M)
    return str(name)


def alternatives(folder: Path, service: Path) -> dict[str, Path]:
    """Return the projects that serve the service's code in another way, by their names."""
    arguments = f"ARG OURS={build_image(service)}\nARG BASE={base_image(service)}\n"
    projects = {}
    for name, source in NAMES.items():
        project = folder / source
        shutil.copytree(ALTERNATIVES / source, project / "conf")
        dockerfile = (ALTERNATIVES / "Dockerfile").read_text("utf-8")
        (project / "Dockerfile").write_text(arguments + dockerfile, "utf-8")
        projects[name] = project
    return projects


def memory(container: Container, processes: str = "[0-9]*") -> float:
    """Return the memory of processes in megabytes, by default of all.

    Pages that processes share count once (PSS). `processes` is an expression of the shell.
    """
    command = ("exec", "--privileged", "--user", "0", container.name, "sh", "-c")
    output = engine.run(*command, f"cat /proc/{processes}/smaps_rollup 2>/dev/null; true")
    return sum(map(int, re.findall(r"^Pss: +(\d+) kB$", output, re.MULTILINE))) / 1000


def comparison(folder: Path) -> Iterator[Row]:
    """Greet alternately from containers with the same code and the same limits."""
    require_wrk()
    service = bake(folder / "ours")
    projects = {"ours": service, **alternatives(folder, service)}
    results: dict[str, dict[str, list[float]]] = {
        measurement: {name: [] for name in projects} for measurement in MEASUREMENTS
    }
    with ExitStack() as stack:
        containers = {
            name: stack.enter_context(
                LimitedContainer(project, ready="/v1/hello", APP_HELLO_MAX_AGE="0")
            )
            for name, project in projects.items()
        }
        for name, container in containers.items():
            results["idle memory"][name].append(memory(container))
        supervisor = memory(containers["ours"], SUPERVISOR)
        for turn in range(TURNS + 1):
            for name, container in containers.items():
                rate, tail = rate_and_tail(container.url)
                if turn:  # The first turn warms up.
                    results["GET /v1/hello"][name].append(rate)
                    results["99th percentile"][name].append(tail)
                    results["memory under load"][name].append(memory(container))
    for number, name in enumerate(NAMES):
        for measurement, (unit, goals) in MEASUREMENTS.items():
            series = results[measurement]
            title = f"{measurement}, container"
            yield Row(title, unit, series["ours"], name, series[name], goals[number])
    everything = results["idle memory"]["ours"]
    yield Row("memory of the supervisor", "MB", [supervisor], "all", everything, AtMost(12))


def start(folder: Path) -> Iterator[Row]:
    """Start a container and rebuild its image; compare with the base image and a first build."""
    project = bake(folder)
    build_image(project)
    base = base_image(project)
    first_response: list[float] = []
    base_start: list[float] = []
    rebuild: list[float] = []
    build: list[float] = []
    for turn in range(TURNS):
        container = Container(project)
        started = time.perf_counter()
        with container:
            first_response.append(time.perf_counter() - started)
        started = time.perf_counter()
        engine.run("run", "--rm", "--network", "host", base, "true")
        base_start.append(time.perf_counter() - started)
        with (project / "main" / "wsgi.py").open("a", encoding="utf-8") as file:
            file.write(f"# {turn}\n")
        for series, options in ((rebuild, ()), (build, ("--no-cache",))):
            started = time.perf_counter()
            command = ("build", "--quiet", "--network", "host", *options, str(project))
            image = engine.run(*command).split()[-1]
            series.append(time.perf_counter() - started)
            engine.run("rmi", "--force", image, check=False)
    yield Row(
        "docker run to the first 200",
        "s",
        first_response,
        "base",
        base_start,
        DifferenceAtMost(0.8),
    )
    yield Row("docker build after a change of code", "s", rebuild, "first build", build, AtMost(5))


def containers(folder: Path) -> Iterator[Row]:
    """Run all benchmarks of the image."""
    yield from start(folder / "start")
    yield from comparison(folder / "comparison")
