"""Settings of the stores, and the commands of their servers."""

import pytest
import yaml

from harness.cache_server import COMMANDS, NETWORK_STORES
from harness.project import CHOICES, Bake
from harness.stack import Stack
from harness.waiting import TIMEOUT

STORES = CHOICES["cache_backend"]
# Store, setting, invalid value, and what the message requires.
INVALID = [
    *((store, "APP_CACHE_SIZE", "many", "an integer from") for store in STORES),
    *((store, "APP_CACHE_TTL", "0", "a positive number of seconds") for store in STORES),
    ("file", "APP_CACHE_DIR", "/proc/cache", "a folder"),
    ("memcached", "APP_CACHE_SERVERS", "10.0.0.1;10.0.0.2", "different host:port addresses"),
    ("redis", "APP_CACHE_URL", "http://:secret@cache", "redis://"),
]
SIZE_VARIABLE = "${APP_CACHE_SIZE:-64}"


@pytest.mark.parametrize(
    ("store", "name", "value", "requirement"),
    INVALID,
    ids=[f"{store}-{name}" for store, name, _, _ in INVALID],
)
def test_an_invalid_setting_of_the_store_stops_the_start(
    installed: Bake, store: str, name: str, value: str, requirement: str
) -> None:
    """The message names the setting, without a secret or a traceback."""
    project = installed(cache_backend=store)
    with Stack(project, ready="", **{name: value}) as stack:
        assert stack.process.wait(TIMEOUT) != 0
        log = stack.log.text()
    assert f"{name} must be {requirement}" in log
    assert "secret" not in log
    assert "Traceback" not in log


@pytest.mark.parametrize("store", NETWORK_STORES)
def test_containers_run_the_servers_with_the_tested_options(baked: Bake, store: str) -> None:
    """The commands in docker-compose.yml, deploy/k8s and the tests are the same."""
    project = baked(cache_backend=store)
    compose = yaml.safe_load((project / "docker-compose.yml").read_text("utf-8"))
    server = compose["services"]["cache"]
    command = [argument.replace(SIZE_VARIABLE, "{size}") for argument in server["command"]]
    assert command == list(COMMANDS[store])
    manifests = yaml.safe_load_all((project / "deploy" / "k8s" / "cache.yaml").read_text("utf-8"))
    (workload,) = (each for each in manifests if "template" in each["spec"])
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    arguments = [argument.replace(SIZE_VARIABLE, "64") for argument in server["command"]]
    assert container["args"] == arguments
    assert container["image"] == server["image"]
    assert container["resources"]["limits"]["memory"] == server["mem_limit"].replace("m", "Mi")
