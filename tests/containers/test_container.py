"""One container of the image, run with the least privilege, for each store."""

import shlex
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.cache_server import COMMANDS, CacheServer, cache_settings
from harness.containers import engine
from harness.containers.container import LEAST_PRIVILEGE, Container
from harness.containers.image import build_image
from harness.containers.resources import resource_name
from harness.load import LoadClients
from harness.project import CHOICES, Bake
from harness.waiting import wait_until

pytestmark = pytest.mark.full

# Seconds, as in docker-compose.yml.
STOP_GRACE_PERIOD = 45
CACHE_DIR = Path("/tmp/cache")  # noqa: S108


@pytest.mark.parametrize("store", CHOICES["cache_backend"])
def test_the_service_caches_and_a_stop_under_load_loses_no_request(baked: Bake, store: str) -> None:
    """The container exits with status 0 within the grace period."""
    with ExitStack() as stack:
        servers = [stack.enter_context(CacheServer(store))] if store in COMMANDS else []
        settings = cache_settings(store, servers, CACHE_DIR)
        project = baked(cache_backend=store)
        service = stack.enter_context(Container(project, APP_HELLO_MAX_AGE="0", **settings))
        assert service.get("/readyz").json()["status"] == "ok"
        for _ in range(20):
            response = service.post("/v1/primes", {"numbers": [97, 91]})
            assert [each["prime"] for each in response.json()["numbers"]] == [True, False]
        # At most one miss for each number in each of two workers.
        assert service.cache_hits() >= 20 * 2 - 2 * 2
        clients = LoadClients(service)
        wait_until(lambda: clients.outcomes["200"] >= 200)
        started = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - started < STOP_GRACE_PERIOD
        clients.join()
        assert set(clients.outcomes) <= {"200", "refused", "reset"}, clients.outcomes
        served = service.lines(logger="nginx", uri="/v1/hello")
        assert {line["status"] for line in served} == {200}
        assert len(served) == clients.outcomes["200"]


def test_128_megabytes_are_enough_under_load(baked: Bake) -> None:
    """No process is killed and every request is answered."""
    with Container(baked(), APP_HELLO_MAX_AGE="0") as service, ThreadPoolExecutor(32) as executor:

        def post_primes(number: int) -> int:
            service.get("/v1/hello")
            numbers = [10_000_000 + 10 * number + each for each in range(10)]
            return service.post("/v1/primes", {"numbers": numbers}).status

        assert Counter(executor.map(post_primes, range(10))) == {200: 10}
        before = set(service.pids())
        assert Counter(executor.map(post_primes, range(10, 1000))) == {200: 990}
        assert service.get("/docs/openapi.json").status == 200
        # The process that listed the others has ended.
        assert len(before - set(service.pids())) <= 1


def test_the_health_check_of_the_image_succeeds(baked: Bake) -> None:
    """The test runs the command that the engine would run."""
    image, name = build_image(baked()), resource_name()
    engine.run("run", "--detach", "--rm", "--name", name, *LEAST_PRIVILEGE, image)
    try:
        described = engine.inspect(image, "image")
        health_check = described.get("Healthcheck") or described["Config"]["Healthcheck"]
        _, *command = health_check["Test"]
        check = ["exec", name, "sh", "-c", f"{shlex.join(command)} && echo healthy"]
        wait_until(lambda: engine.run(*check, check=False) == "healthy\n")
    finally:
        engine.run("kill", name)


def test_zombies_are_reaped(baked: Bake) -> None:
    """An orphan's process id is free again after it ends."""
    with Container(baked()) as service:
        service.execute("sh", "-c", "(sleep 0.1 &) ; true")
        wait_until(lambda: "sleep" not in service.execute("ps", "-o", "args"))
        assert "Z" not in service.execute("ps", "-o", "stat").split()
