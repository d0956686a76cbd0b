"""The container beside others that serve the same code: its start, its memory, its rate.

The others follow the settings that tiangolo/uwsgi-nginx-flask publishes (nginx and uWSGI below
supervisor, 2 to 16 processes without threads) and the number of workers that gunicorn's
documentation recommends, 2 for each of 2 processors and 1. All write a line for each request.
"""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks import Row
from benchmarks.rates import load, require_wrk
from tests import container
from tests.bakery import bake
from tests.container import Container
from tests.test_containers import BASE

TURNS = 7

DOCKERFILE = """
FROM {ours} AS ours
FROM {base}
COPY --from=ours /venv /venv
RUN apk add --no-cache nginx \\
 && pip --python /venv/bin/python install --no-cache-dir gunicorn setuptools supervisor
COPY --from=ours /service /service
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1
WORKDIR /service
COPY conf /conf
CMD ["sh", "/conf/start.sh"]
"""

METRICS = "export PROMETHEUS_MULTIPROC_DIR=/tmp/metrics; mkdir -p $PROMETHEUS_MULTIPROC_DIR\n"

TIANGOLO = {
    "start.sh": METRICS
    + 'sed "s/PORT/$PORT/" /conf/nginx.conf > /tmp/nginx.conf\n'
    + 'sed "s/WORKERS/${WORKERS:-16}/; s/CHEAPER/${CHEAPER:-2}/" /conf/uwsgi.ini > /tmp/uwsgi.ini\n'
    + "exec supervisord -n -c /conf/supervisord.ini\n",
    "supervisord.ini": """[supervisord]
nodaemon = true
logfile = /dev/null
logfile_maxbytes = 0
[program:uwsgi]
command = uwsgi --ini /tmp/uwsgi.ini --die-on-term
stdout_logfile = /dev/stdout
stdout_logfile_maxbytes = 0
redirect_stderr = true
[program:nginx]
command = nginx -c /tmp/nginx.conf -g "daemon off;"
stdout_logfile = /dev/stdout
stdout_logfile_maxbytes = 0
redirect_stderr = true
""",
    "uwsgi.ini": """[uwsgi]
module = main.wsgi:app
socket = /tmp/uwsgi.sock
chmod-socket = 666
processes = WORKERS
cheaper = CHEAPER
need-app = true
""",
    "nginx.conf": """user nginx;
worker_processes 1;
error_log stderr warn;
events { worker_connections 1024; }
http {
    access_log /dev/stdout;
    sendfile on;
    keepalive_timeout 65;
    server {
        listen PORT;
        location / {
            include /etc/nginx/uwsgi_params;
            uwsgi_pass unix:/tmp/uwsgi.sock;
        }
    }
}
""",
}

GUNICORN = {
    "start.sh": METRICS
    + "exec gunicorn --workers ${WORKERS:-5} --access-logfile - --bind 0.0.0.0:$PORT"
    + " main.wsgi:app\n"
}


class Limited(Container):
    """A container with the memory that all of them get."""

    options = ("--memory", "256m", "--memory-swap", "256m", "--tmpfs", "/tmp")  # noqa: S108


def rival(folder: Path, ours: Path, files: dict[str, str]) -> Path:
    """Write the image of another way to serve our code into `folder`, and return that."""
    (folder / "conf").mkdir(parents=True)
    for name, text in files.items():
        (folder / "conf" / name).write_text(text, "utf-8")
    text = DOCKERFILE.format(ours=container.image(ours), base=BASE)
    (folder / "Dockerfile").write_text(text, "utf-8")
    return folder


def rivals(folder: Path, ours: Path) -> dict[str, Path]:
    """Return all the other ways that are compared."""
    return {
        "tiangolo's settings": rival(folder / "tiangolo", ours, TIANGOLO),
        "gunicorn": rival(folder / "gunicorn", ours, GUNICORN),
    }


def megabytes(running: Container) -> float:
    """Return the memory of all processes within, what they share divided (PSS)."""
    words = ("exec", "--privileged", "--user", "0", running.name, "sh", "-c")
    told = container.run(*words, "cat /proc/[0-9]*/smaps_rollup 2>/dev/null; true")
    return sum(map(int, re.findall(r"^Pss: +(\d+) kB$", told, re.MULTILINE))) / 1000


def against(folder: Path) -> Iterator[Row]:
    """Greet, in turns, from containers with the same code and the same limits."""
    require_wrk()
    ours = bake(folder / "ours")
    others = rivals(folder, ours)
    names = ("ours", *others)
    rates: dict[str, list[float]] = {name: [] for name in names}
    tails: dict[str, list[float]] = {name: [] for name in names}
    loaded: dict[str, list[float]] = {name: [] for name in names}
    with ExitStack() as stack:
        running = {
            name: stack.enter_context(Limited(project, ready="/v1/hello", APP_HELLO_MAX_AGE="0"))
            for name, project in zip(names, (ours, *others.values()), strict=True)
        }
        idle = {name: [megabytes(each)] for name, each in running.items()}
        for turn in range(TURNS + 1):
            for name, each in running.items():
                rate, tail = load(each.url)
                if turn:  # the first one warms up
                    rates[name].append(rate)
                    tails[name].append(tail)
                    loaded[name].append(megabytes(each))
    for name in others:
        yield Row("hello in a container", "requests/s", rates["ours"], name, rates[name], "≥ 1.0")
        yield Row("its 99th percentile", "ms", tails["ours"], name, tails[name], "≤ 1.0")
        yield Row("its memory, idle", "MB", idle["ours"], name, idle[name], "")
        yield Row("its memory, loaded", "MB", loaded["ours"], name, loaded[name], "≤ 1.0")


def start(folder: Path) -> Iterator[Row]:
    """Start a container until it answers, against its bare base image; build it anew."""
    project = bake(folder)
    container.image(project)
    ready: list[float] = []
    bare: list[float] = []
    anew: list[float] = []
    first: list[float] = []
    for turn in range(TURNS):
        begun = time.perf_counter()
        with Container(project):
            ready.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        container.run("run", "--rm", "--network", "host", BASE, "true")
        bare.append(time.perf_counter() - begun)
        with (project / "main" / "wsgi.py").open("a", encoding="utf-8") as file:
            file.write(f"# {turn}\n")
        for series, options in ((anew, ()), (first, ("--no-cache",))):
            begun = time.perf_counter()
            words = ("build", "--quiet", "--network", "host", *options, str(project))
            id_ = container.run(*words).split()[-1]
            series.append(time.perf_counter() - begun)
            container.run("rmi", "--force", id_, check=False)
    yield Row("docker run to the first 200", "s", ready, "bare base", bare, "at most 1.0 s more")
    yield Row("docker build after a change of code", "s", anew, "the whole", first, "seconds")


def containers(folder: Path) -> Iterator[Row]:
    """Measure all that concerns the image."""
    yield from start(folder / "start")
    yield from against(folder / "against")
