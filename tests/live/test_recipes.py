"""A service with all recipes of docs/recipes.md runs, and each recipe does what it says."""

import gzip
import re
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import recipes
from harness.cache_server import CacheServer
from harness.environment import install, run
from harness.fakes.server import FakeHTTPService, Reply
from harness.problem import assert_problem
from harness.project import ROOT, bake, replace_once
from harness.readme import shell_blocks
from harness.stack import Stack
from harness.waiting import HOST, wait_until

pytestmark = pytest.mark.full

LOCK = ROOT / "requirements" / "recipes.txt"
APP = ROOT / "harness" / "apps" / "recipes_app.py"
ORIGIN = "https://app.example"
NOTES = '''
"""Notes, in the database."""

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from main.service.database import Base, engine


class Note(Base):
    """A note."""

    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


def add(text: str) -> None:
    """Store a note."""
    with Session(engine()) as session:
        session.add(Note(text=text))
        session.commit()


def texts() -> list[str]:
    """Return the texts of all notes."""
    with Session(engine()) as session:
        return list(session.scalars(select(Note.text)))
'''


class Recorder(FakeHTTPService):
    """A collector of traces and error reports that keeps what it gets."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[bytes]] = {}
        super().__init__()

    def reply(self, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        """Keep the body, decompressed."""
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.bodies.setdefault(path, []).append(body)
        return 200, b"{}"

    def received(self, path: str) -> bytes:
        """Return everything that was sent to a path."""
        return b"".join(self.bodies.get(path, []))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a service with all recipes and a migrated database."""
    folder = tmp_path_factory.mktemp("recipes")
    project = install(bake(folder), LOCK)
    run(project, "alembic", "init", "migrations")
    # Calls of the other recipes have no key: tests/live/auth/ tests that one.
    titles = [title for title in recipes.titles(project) if "API key" not in title]
    recipes.prepare(project, *titles)
    (project / "main" / "service" / "notes.py").write_text(NOTES.lstrip(), "utf-8")
    imported = "from main.service.database"
    changed = {imported: f"from main.service import notes\n{imported}"}
    replace_once(project / "migrations" / "env.py", changed)
    urls = {"APP_DATABASE_URL": database_url(project), "APP_QUEUE_URL": "redis://localhost"}
    (commands,) = shell_blocks(project / "docs" / "database.md")
    run(project, "sh", "-ec", commands, **urls, PYTHONPATH=str(project))
    (project / "main" / "resources" / "static").mkdir()
    (project / "main" / "resources" / "static" / "logo.svg").write_text("<svg/>")
    shutil.copy(APP, project / "main" / "wsgi.py")
    return project


def database_url(project: Path) -> str:
    """Return the address of the database of the tests."""
    return f"sqlite:///{project.parent}/notes.db"


@pytest.fixture(scope="module")
def redis() -> Iterator[CacheServer]:
    """Run the server of the queue."""
    with CacheServer("redis") as running:
        yield running


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """Run the collector."""
    with Recorder() as running:
        yield running


@pytest.fixture(scope="module")
def variables(project: Path, redis: CacheServer, recorder: Recorder) -> dict[str, str]:
    """Return the settings of the recipes."""
    return {
        "APP_DATABASE_URL": database_url(project),
        "APP_HELLO_MAX_AGE": "60",
        "APP_QUEUE_URL": f"redis://{redis.address}/0",
        "APP_SENTRY_DSN": recorder.url.replace("://", "://key@") + "/1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": recorder.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }


@pytest.fixture(scope="module")
def service(project: Path, variables: dict[str, str]) -> Iterator[Stack]:
    """Run the service."""
    with Stack(project, **variables) as running:
        yield running


def test_the_workers_share_a_database_that_was_migrated(
    service: Stack, executor: ThreadPoolExecutor
) -> None:
    """Each has an engine of its own."""
    texts = {f"note {number}" for number in range(20)}
    responses = list(executor.map(lambda text: service.call("POST", "/notes", text), texts))
    assert {response.status for response in responses} == {200}
    assert set(service.get("/notes").json()["notes"]) >= texts


def test_a_statement_ends_at_the_deadline(service: Stack) -> None:
    """Otherwise this one would never end."""
    assert_problem(service.get("/endless"), 500)
    assert "interrupted" in service.log.wait_for_line(event="request.failed")["exc_info"]


def test_a_service_without_its_database_is_not_ready(
    project: Path, variables: dict[str, str], tmp_path: Path
) -> None:
    """The database is a required dependency."""
    missing = {**variables, "APP_DATABASE_URL": f"sqlite:///{tmp_path}/missing/notes.db"}
    with Stack(project, ready="/livez", **missing) as stack:
        wait_until(lambda: stack.get("/readyz").status == 503)
        assert stack.get("/readyz").json()["checks"]["database"] == "down"


def test_readiness_does_not_wait_for_a_silent_database(
    project: Path, variables: dict[str, str]
) -> None:
    """A server that accepts a connection and sends nothing: psycopg waits for two seconds."""
    with socket.create_server((HOST, 0)) as silent:
        url = f"postgresql+psycopg://user:password@{HOST}:{silent.getsockname()[1]}/shop"
        with Stack(project, ready="/livez", **{**variables, "APP_DATABASE_URL": url}) as stack:
            # Otherwise uWSGI would end the worker, and nginx would answer 502.
            assert stack.get("/readyz").json()["checks"]["database"] == "down"


def test_only_the_allowed_origin_may_read_responses(service: Stack) -> None:
    """The micro-cache does not mix them up; preflight requests are answered, too."""
    foreign = service.get("/v1/hello", {"Origin": "https://evil.example"}).headers
    assert "Access-Control-Allow-Origin" not in foreign
    # nginx logs a request when its response is in the cache.
    service.log.wait_for_line(logger="nginx", request_id=foreign["X-Request-ID"])
    headers = service.get("/v1/hello", {"Origin": ORIGIN}).headers
    assert headers["Access-Control-Allow-Origin"] == ORIGIN
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    headers = service.call("OPTIONS", "/v1/primes", headers=preflight).headers
    assert headers["Access-Control-Max-Age"] == "600"


def test_a_span_has_the_trace_id_that_is_in_the_log(service: Stack, recorder: Recorder) -> None:
    """Whether the caller sent a trace or not; the workers export after the fork."""
    given = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{given}-00f067aa0ba902b7-01", "X-Request-ID": "with-trace"}
    service.get("/notes", headers)
    service.get("/notes", {"X-Request-ID": "without-trace"})
    for request_id in ("with-trace", "without-trace"):
        line = service.log.wait_for_line(request_id=request_id, event="request.served")
        assert (line["trace_id"] == given) == (request_id == "with-trace")
        wait_for(recorder, "/v1/traces", bytes.fromhex(line["trace_id"]))
    assert b"GET /notes" in recorder.received("/v1/traces")


def test_a_job_runs_in_a_worker(service: Stack, project: Path, variables: dict[str, str]) -> None:
    """The request only enqueues it."""
    assert service.call("POST", "/jobs", "by a job").status == 200
    assert "by a job" not in service.get("/notes").json()["notes"]
    (command,) = re.findall(r"`(rq worker [^`]+)`", recipes.section(project, "jobs"))
    run(project, "sh", "-ec", f"{command} --burst", **variables)
    assert "by a job" in service.get("/notes").json()["notes"]


def test_a_static_file_is_served(service: Stack) -> None:
    """By nginx, for an hour."""
    response = service.get("/static/logo.svg")
    assert (response.status, response.body) == (200, b"<svg/>")
    assert response.headers["Cache-Control"] == "max-age=3600"


def test_an_error_is_reported_without_variables(service: Stack, recorder: Recorder) -> None:
    """The report names the exception."""
    assert_problem(service.get("/broken", {"Authorization": "Bearer hunter2"}), 500)
    wait_for(recorder, "/api/1/envelope/", b"ZeroDivisionError")
    assert b"hunter2" not in recorder.received("/api/1/envelope/")


def test_raised_limits_apply(service: Stack, executor: ThreadPoolExecutor) -> None:
    """A body of 5 MB and a response after 26 seconds exceed the limits of the template."""
    slow = executor.submit(service.get, "/slow")
    body = "[" + "1," * 2_500_000 + "1]"
    assert_problem(service.post("/v1/primes", {"numbers": body}), 422)
    assert slow.result().status == 200


def wait_for(recorder: Recorder, path: str, expected: bytes) -> None:
    """Wait until the collector has received this."""
    wait_until(lambda: expected in recorder.received(path))
