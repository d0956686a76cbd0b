"""How the cost grows: with clients and workers, with keys in a cache, with files in a template."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks import Curve
from benchmarks.commands import COOKIECUTTER, seconds
from benchmarks.containers import Limited, rivals
from benchmarks.rates import BARE, FailedError, load, require_wrk
from tests import container
from tests.bakery import CHOICES, ROOT, TEMPLATE, bake, environment, install
from tests.servers import Server, settings
from tests.stack import Stack
from tests.test_cache_contract import SERVERS

CLIENTS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
WORKERS = [1, 2, 3, 4]
KEYS = [1, 10, 100, 1_000, 10_000, 100_000]
FILES = [0, 50, 100, 200, 400]
TURNS = 3

PICTURES = ROOT / "docs"
KEYS_APP = Path(__file__).with_name("keys_app.py")


def bare(folder: Path, ours: Path) -> Path:
    """Write an image that is ours, with Flask alone in it."""
    folder.mkdir()
    (folder / "wsgi.py").write_text(BARE, "utf-8")
    dockerfile = f"FROM {container.image(ours)}\nCOPY wsgi.py /service/main/wsgi.py\n"
    (folder / "Dockerfile").write_text(dockerfile, "utf-8")
    return folder


def requests(folder: Path) -> Iterator[Curve]:
    """Greet from containers of the same limits: ever more clients, then ever more workers."""
    require_wrk()
    ours = bake(folder / "ours")
    projects = {"ours": ours, "bare Flask": bare(folder / "bare", ours), **rivals(folder, ours)}
    rate = Curve("clients-rate", "GET /v1/hello", "requests/s", "clients")
    tail = Curve("clients-p99", "GET /v1/hello, 99th percentile", "ms", "clients")
    with ExitStack() as stack:
        running = {name: stack.enter_context(serving(each)) for name, each in projects.items()}
        for clients in CLIENTS:
            measure(running, clients, clients, rate, tail)
    yield rate
    yield tail
    rate = Curve("workers-rate", "GET /v1/hello by 32 clients", "requests/s", "workers")
    tail = Curve("workers-p99", "GET /v1/hello by 32 clients, 99th percentile", "ms", "workers")
    for workers in WORKERS:
        with ExitStack() as stack:
            running = {
                name: stack.enter_context(serving(each, workers)) for name, each in projects.items()
            }
            measure(running, 32, workers, rate, tail)
    yield rate
    yield tail


def serving(project: Path, workers: int | None = None) -> Limited:
    """Return a container, with as many workers as it has by default or as are wanted."""
    count = str(workers)
    wanted = {"UWSGI_PROCESSES": count, "WORKERS": count, "CHEAPER": "0"} if workers else {}
    return Limited(project, ready="/v1/hello", APP_HELLO_MAX_AGE="0", **wanted)


def measure(running: dict[str, Limited], clients: int, step: int, rate: Curve, tail: Curve) -> None:
    """Load each of them in turns; who fails a request has no point at this step."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in running}
    for turn in range(TURNS + 1):
        for name, each in running.items():
            try:
                loaded = load(each.url, clients)
            except FailedError as error:
                print(f"{name}, {clients} clients: {error}", flush=True)
                continue
            if turn:  # the first one warms up
                found[name].append(loaded)
    for name, loads in found.items():
        if len(loads) == TURNS:
            rates, tails = map(list, zip(*loads, strict=True))
            rate.add(name, step, rates)
            tail.add(name, step, tails)


def keys(folder: Path) -> Iterator[Curve]:
    """Ask for any of ever more keys that are there, in a worker of the real stack."""
    curve = Curve("keys", "a hit", "µs", "keys")
    for backend in CHOICES["cache_backend"]:
        project = install(bake(folder / backend, cache_backend=backend, sample_api="no"))
        shutil.copy(KEYS_APP, project / "main" / "wsgi.py")
        with ExitStack() as stack:
            servers = [stack.enter_context(Server(backend)) for _ in range(SERVERS.get(backend, 0))]
            variables = settings(backend, servers, folder / "store")
            if backend in ("memory", "file"):
                variables["APP_CACHE_SIZE"] = str(2 * KEYS[-1])
            service = stack.enter_context(Stack(project, UWSGI_PROCESSES="1", **variables))
            # uWSGI's cache holds a thousand entries unless it is given more memory.
            for count in KEYS[: 4 if backend == "uwsgi" else None]:
                for _ in range(-(-count // 5_000)):  # a request has 15 seconds
                    filled = service.get(f"/fill/{count}").json()
                assert filled == count
                curve.add(backend, count, service.get(f"/hits/{count}").json())
    yield curve


def files(folder: Path) -> Iterator[Curve]:
    """Bake a template that has ever more files than ours, such as are copied or are rendered."""
    curve = Curve("files", "a bake", "s", "files beside ours")
    templates = {
        (kind, count): longer(folder / suffix / str(count), count, suffix)
        for kind, suffix in (("copied unread", "py"), ("rendered", "md"))
        for count in FILES
    }
    found: dict[tuple[str, int], list[float]] = {each: [] for each in templates}
    for turn in range(2 * TURNS + 1):
        for each, template in templates.items():
            took = baking(template, folder / "out")
            if turn:  # the first one warms up
                found[each].append(took)
    for (kind, count), series in found.items():
        curve.add(kind, count, series)
    yield curve


def longer(template: Path, count: int, suffix: str) -> Path:
    """Copy our template, with so many files more."""
    for name in ("cookiecutter.json", "hooks", TEMPLATE.name):
        source, target = ROOT / name, template / name
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            target.parent.mkdir(parents=True)
            shutil.copy(source, target)
    more = template / TEMPLATE.name / "more"
    more.mkdir()
    for number in range(count):
        (more / f"file_{number}.{suffix}").write_text("# A line.\n" * 50, "utf-8")
    return template


def baking(template: Path, target: Path) -> float:
    """Return the seconds that a bake takes."""
    shutil.rmtree(target, ignore_errors=True)
    words = (*COOKIECUTTER, "--no-input", "-o", str(target), str(template))
    return seconds(*words, cwd=template)


def draw(curve: Curve) -> None:
    """Have it drawn, by what is installed for that alone."""
    python = environment(ROOT / "benchmarks" / "requirements.txt") / "bin" / "python"
    script = Path(__file__).with_name("draw.py")
    target = PICTURES / f"{curve.file}.svg"
    words = [str(python), str(script), str(target)]
    subprocess.run(words, input=json.dumps(vars(curve)), text=True, check=True)


def growth(folder: Path) -> Iterator[Curve]:
    """Measure all curves, and draw them."""
    PICTURES.mkdir(exist_ok=True)
    for number, each in enumerate((files, keys, requests)):
        place = folder / str(number)
        place.mkdir()
        begun = time.perf_counter()
        for curve in each(place):
            draw(curve)
            yield curve
        print(f"({time.perf_counter() - begun:.0f} s)", flush=True)
