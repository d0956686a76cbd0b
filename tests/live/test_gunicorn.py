"""gunicorn, which speaks the uwsgi protocol, serves the application behind the same nginx.conf."""

from collections.abc import Iterator

import pytest

from harness import process
from harness.environment import install, process_environment
from harness.load import LoadClients
from harness.problem import assert_problem
from harness.project import ROOT, bake
from harness.stack import Stack
from harness.waiting import TIMEOUT, wait_until

LOCK = ROOT / "requirements" / "gunicorn.txt"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run nginx by its entry point, and gunicorn in place of uWSGI."""
    project = install(bake(tmp_path_factory.mktemp("gunicorn")), LOCK)
    with Stack(project, "nginx", ready="/livez", APP_HELLO_MAX_AGE="0") as nginx:
        options: tuple[str, ...] = ("--workers", "2", "--threads", "4", "--protocol", "uwsgi")
        for name in ("uwsgi.sock", "ops.sock"):
            options += ("--bind", f"unix:{nginx.run_dir}/{name}")
        command = ["gunicorn", *options, "main.wsgi:app"]
        metrics = nginx.folder / "metrics"
        metrics.mkdir()
        env = process_environment(
            project, APP_HELLO_MAX_AGE="0", PROMETHEUS_MULTIPROC_DIR=str(metrics)
        )
        gunicorn = process.start(command, cwd=project, env=env)
        try:
            wait_until(nginx.is_ready)
            yield nginx
        finally:
            gunicorn.terminate()
            gunicorn.wait(TIMEOUT)


def test_the_endpoints_answer(service: Stack) -> None:
    """Including a pool process and the documentation."""
    assert service.get("/v1/hello?name=Zo%C3%AB").json() == {"message": "Hello, Zoë!"}
    primes = service.post("/v1/primes", {"numbers": [7, 9]}).json()
    assert [entry["prime"] for entry in primes["numbers"]] == [True, False]
    assert service.get("/readyz").json()["status"] == "ok"
    assert service.get("/docs/openapi.json").json()["openapi"].startswith("3.1")


def test_errors_are_problems_with_the_request_id(service: Stack) -> None:
    """Both of the application and of nginx."""
    assert_problem(service.get("/unknown"), 404)
    assert_problem(service.call("POST", "/livez"), 405)
    response = service.get("/v1/hello?unknown=1", {"X-Request-ID": "gunicorn-1"})
    assert_problem(response, 422)
    assert response.headers["X-Request-ID"] == "gunicorn-1"


def test_concurrent_clients_are_served(service: Stack) -> None:
    """Without a failure."""
    clients = LoadClients(service)
    wait_until(lambda: clients.outcomes["200"] >= 200)
    clients.stop()
    assert set(clients.outcomes) == {"200"}, clients.outcomes
