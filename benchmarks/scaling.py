"""The cost by the number of files in the template, keys in the cache, clients and workers."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.command_times import COOKIECUTTER, duration
from benchmarks.container_scaling import clients_and_workers
from benchmarks.results import Curve
from harness.cache_server import store_running
from harness.environment import install, virtual_environment
from harness.project import CHOICES, ROOT, TEMPLATE, bake
from harness.stack import Stack

KEYS = [1, 10, 100, 1_000, 10_000, 100_000]
# uWSGI's cache has room for a thousand entries by default.
UWSGI_KEYS = 1_000
# Enough for all keys: each file takes 4 KiB of the disk, and a full store deletes a quarter.
MEGABYTES = "1000"
# A request must fill its share of the keys before its deadline.
KEYS_PER_REQUEST = 5_000
FILES = [0, 50, 100, 200, 400]
TURNS = 6

CHARTS = ROOT / "docs"
LOCK = ROOT / "requirements" / "benchmarks.txt"
KEYS_APP = Path(__file__).with_name("keys_app.py")


def scaling(folder: Path) -> Iterator[Curve]:
    """Measure all curves and draw their charts."""
    CHARTS.mkdir(exist_ok=True)
    for number, benchmark in enumerate((files, keys, clients_and_workers)):
        subfolder = folder / str(number)
        subfolder.mkdir()
        started = time.perf_counter()
        for curve in benchmark(subfolder):
            draw(curve)
            yield curve
        print(f"({time.perf_counter() - started:.0f} s)", flush=True)


def draw(curve: Curve) -> None:
    """Draw a chart, in an environment with matplotlib."""
    python = virtual_environment(LOCK) / "bin" / "python"
    script = Path(__file__).with_name("chart.py")
    command = [str(python), str(script), str(CHARTS / f"{curve.file}.svg")]
    subprocess.run(command, input=json.dumps(vars(curve)), text=True, check=True)


def keys(folder: Path) -> Iterator[Curve]:
    """Look up random keys of a full cache in a worker of the stack."""
    curve = Curve("keys", "hit", "µs", "keys")
    for store in CHOICES["cache_backend"]:
        project = install(bake(folder / store, cache_backend=store, sample_api="no"))
        shutil.copy(KEYS_APP, project / "main" / "wsgi.py")
        size = {"APP_CACHE_SIZE": MEGABYTES} if store in ("memory", "file") else {}
        with (
            store_running(store) as settings,
            Stack(project, UWSGI_PROCESSES="1", **settings, **size) as service,
        ):
            for count in KEYS:
                if store == "uwsgi" and count > UWSGI_KEYS:
                    break
                filled = 0
                for _ in range(0, count, KEYS_PER_REQUEST):
                    filled = get(service, f"/fill/{count}")
                assert filled == count
                curve.add(store, count, get(service, f"/hits/{count}"))
    yield curve


def get(service: Stack, path: str) -> Any:
    """Return what a JSON response says."""
    response = service.get(path)
    assert response.status == 200, response.body
    return response.json()


def files(folder: Path) -> Iterator[Curve]:
    """Bake templates with more files, which cookiecutter copies or renders."""
    curve = Curve("files", "bake", "s", "additional files")
    templates = {
        (kind, count): _larger_template(folder / suffix / str(count), count, suffix)
        for kind, suffix in (("copied", "py"), ("rendered", "md"))
        for count in FILES
    }
    seconds: dict[tuple[str, int], list[float]] = {key: [] for key in templates}
    for turn in range(TURNS + 1):
        for key, template in templates.items():
            measured = _bake_seconds(template, folder / "out")
            if turn:  # The first turn warms up.
                seconds[key].append(measured)
    for (kind, count), series in seconds.items():
        curve.add(kind, count, series)
    yield curve


def _larger_template(template: Path, count: int, suffix: str) -> Path:
    """Copy this template and add `count` files to it."""
    template.mkdir(parents=True)
    for name in ("hooks", TEMPLATE.name):
        shutil.copytree(ROOT / name, template / name)
    shutil.copy(ROOT / "cookiecutter.json", template)
    added = template / TEMPLATE.name / "added"
    added.mkdir()
    for number in range(count):
        (added / f"file_{number}.{suffix}").write_text("# A line.\n" * 50, "utf-8")
    return template


def _bake_seconds(template: Path, target: Path) -> float:
    with suppress(FileNotFoundError):
        shutil.rmtree(target)
    return duration(*COOKIECUTTER, "--no-input", "-o", str(target), str(template), cwd=template)
