"""The service and its cache server, run by docker compose."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cache_server import COMMANDS
from harness.containers.compose import Compose, provide_cache_image
from harness.environment import run
from harness.project import CHOICES, Bake, bake
from harness.requirements import require
from harness.waiting import wait_until

pytestmark = [pytest.mark.full, pytest.mark.parametrize("store", CHOICES["cache_backend"])]

MAX_MEMORY = 384 * 2**20


@pytest.fixture
def config(baked: Bake, store: str) -> dict[str, Any]:
    """Return the compose file as `docker compose` understands it."""
    arguments = (require("docker-compose"), "config")
    loaded = yaml.safe_load(run(baked(cache_backend=store), *arguments))
    assert isinstance(loaded, dict)
    return loaded


def test_compose_runs_only_the_chosen_store(config: dict[str, Any], store: str) -> None:
    """No other store needs a container or a volume."""
    expected = {"my-service", "cache"} if store in COMMANDS else {"my-service"}
    assert set(config["services"]) == expected
    assert ("volumes" in config) == (store == "file")


def test_every_container_has_least_privilege_and_limits(config: dict[str, Any], store: str) -> None:
    """This includes the cache server."""
    for service in config["services"].values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert int(service["mem_limit"]) <= MAX_MEMORY
        assert service["pids_limit"]
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}


def test_only_the_public_port_is_reachable_from_other_machines(
    config: dict[str, Any], store: str
) -> None:
    """Metrics listen on the loopback; the cache publishes no port."""
    published = config["services"]["my-service"]["ports"]
    addresses = {port["target"]: port.get("host_ip") for port in published}
    assert addresses == {8080: None, 8081: "127.0.0.1"}
    if cache := config["services"].get("cache"):
        assert "ports" not in cache
        assert "healthcheck" in cache


def test_the_service_survives_the_loss_and_return_of_its_cache(
    tmp_path: Path, config: dict[str, Any], store: str
) -> None:
    """It answers without the cache, and uses it again when it is back."""
    cache = config["services"].get("cache")
    if cache:
        provide_cache_image(store, cache["image"])
    with Compose(bake(tmp_path, cache_backend=store)) as compose:
        compose.up()
        assert set(compose.containers()) == set(config["services"])

        def hits() -> float:
            response = compose.post("/v1/primes", {"numbers": [97, 91]})
            assert [each["prime"] for each in response.json()["numbers"]] == [True, False]
            return compose.cache_hits()

        wait_until(lambda: hits() >= 4)
        if cache:
            compose("stop", "cache")
            hits()
            compose("rm", "--force", "cache")
            before = hits()
            compose.up()
            wait_until(lambda: hits() > before + 4)
        compose("stop")
        assert compose.containers() == {}
