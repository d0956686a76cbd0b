"""The image, alone and by docker compose; what the live stack promises is tried within, too."""

import re
import shlex
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from harness.cache_server import CacheServer, cache_settings
from harness.containers import engine
from harness.containers.compose import Compose, provide_cache_image
from harness.containers.container import Container
from harness.containers.image import build_image
from harness.environment import run
from harness.load import LoadClients
from harness.project import CHOICES, Bake, bake
from harness.requirements import require
from harness.waiting import wait_until

STORES = pytest.mark.parametrize("store", CHOICES["cache_backend"])
BASE = "docker.io/library/python:3.13-alpine"
HOSTILE = """A "quoted" $HOME \\ and `id` $x é's"""


def hits(metrics: str) -> float:
    """Return how many calls of cached functions the metrics say were hits."""
    found = re.findall(r'^cache_calls_total\{.*outcome="hit".*\} (\S+)$', metrics, re.MULTILINE)
    return sum(map(float, found))


@pytest.mark.slow
class TestImage:
    """What is in it."""

    @pytest.fixture
    def name(self, baked: Bake) -> str:
        """Build the default service's image."""
        return build_image(baked())

    def shell(self, name: str, command: str, *options: str) -> str:
        """Return what a command prints in a container of the image."""
        shell = ("--entrypoint", "sh", name, "-c", command)
        return engine.run("run", "--rm", "--no-healthcheck", *options, *shell)

    def test_it_belongs_to_root(self, name: str) -> None:
        """The service's user may write to nothing but what is for everybody."""
        assert self.shell(name, "id").startswith("uid=10001(service) gid=10001(service)")
        as_root = ("--user", "0")
        everything = "find / -xdev -not -path '/proc/*' -not -path '/sys/*' -not -path '/dev/*'"
        mine = self.shell(name, f"{everything} \\( -user 10001 -o -group 10001 \\)", *as_root)
        assert mine == ""
        for_all = self.shell(name, f"{everything} -perm -o+w -not -type l", *as_root)
        assert set(for_all.split()) <= {"/tmp", "/var/tmp"}  # noqa: S108
        assert self.shell(name, "ls /service").split() == ["deploy", "main", "requirements.txt"]

    def test_nothing_that_builds(self, name: str) -> None:
        """No compiler, no installer of packages for Python, no cache, no tests."""
        programs = "cc gcc musl-gcc make pip pip3 uv git"
        assert self.shell(name, f"for each in {programs}; do command -v $each; done; true") == ""
        python = "import ensurepip, pip"
        assert "ModuleNotFoundError" in self.shell(name, f"python -c '{python}' 2>&1; true")
        assert (
            self.shell(name, "ls -A /var/cache/apk /root 2>/dev/null | grep -v :; true").strip()
            == ""
        )

    def test_it_needs_no_compiling(self, name: str) -> None:
        """Every module of the service has its byte code beside it."""
        sources = self.shell(name, "find /service/main -name '*.py' | wc -l")
        compiled = self.shell(name, "find /service/main -name '*.pyc' | wc -l")
        assert int(compiled) == int(sources) > 10

    def test_its_size(self, name: str) -> None:
        """It adds little to the image that it stands upon."""
        size = {each: engine.inspect(each, "image")["Size"] for each in (name, BASE)}
        assert size[name] - size[BASE] < 40e6

    def test_what_it_says_of_itself(self, tmp_path: Path) -> None:
        """Its labels are the answers, however they are written; ports and signals are told."""
        answers = {"service_slug": "odd", "description": HOSTILE, "owner": 'O\'Neil \\$ & "x"'}
        project = bake(tmp_path, **answers)
        config = engine.inspect(build_image(project), "image")["Config"]
        prefix = "org.opencontainers.image."
        assert config["Labels"][prefix + "title"] == "odd"
        assert config["Labels"][prefix + "description"] == HOSTILE
        assert config["Labels"][prefix + "authors"] == answers["owner"]
        assert set(config["ExposedPorts"]) == {"8080/tcp", "8081/tcp"}
        assert config["User"] == "10001:10001"

    def test_a_change_of_code_installs_nothing(self, baked: Bake, tmp_path: Path) -> None:
        """All layers below the code are those of the image before."""
        before = engine.inspect(build_image(baked()), "image")["RootFS"]["Layers"]
        project = bake(tmp_path)
        with (project / "main" / "wsgi.py").open("a", encoding="utf-8") as file:
            file.write("\n# changed\n")
        after = engine.inspect(build_image(project), "image")["RootFS"]["Layers"]
        same = [one for one, other in zip(before, after, strict=True) if one == other]
        assert after[: len(same)] == same
        assert 0 < len(after) - len(same) <= 2  # the code, and its byte code


@pytest.mark.slow
class TestContainer:
    """What it does, for each store."""

    @STORES
    def test_requests_and_a_stop_under_load(self, baked: Bake, store: str) -> None:
        """It answers and caches; `docker stop` loses nothing, and it ends with 0 in its grace."""
        with ExitStack() as stack:
            needed = [stack.enter_context(CacheServer(store))] if store in servers.COMMANDS else []
            told = cache_settings(store, needed, Path("/tmp/cache"))  # noqa: S108
            service = stack.enter_context(
                Container(baked(cache_backend=store), APP_HELLO_MAX_AGE="0", **told)
            )
            assert service.get("/readyz").json()["status"] == "ok"
            for _ in range(20):
                answer = service.post("/v1/primes", {"numbers": [97, 91]})
                assert [each["prime"] for each in answer.json()["numbers"]] == [True, False]
            assert hits(service.ops("/metrics").body.decode()) >= 20 * 2 - 2 * 2
            clients = LoadClients(service)
            wait_until(lambda: clients.outcomes["200"] >= 200)
            begun = time.monotonic()
            assert service.stop() == 0
            assert time.monotonic() - begun < 45
            clients.join()
            assert set(clients.outcomes) <= {"200", "refused", "reset"}, clients.outcomes
            served = service.lines(logger="nginx", uri="/v1/hello")
            assert {line["status"] for line in served} == {200}
            assert len(served) == clients.outcomes["200"]

    def test_128_megabytes(self, baked: Bake) -> None:
        """They are enough under load: nothing is killed, and everything is answered."""
        with Container(baked(), APP_HELLO_MAX_AGE="0") as service, ThreadPoolExecutor(32) as pool:

            def ask(number: int) -> int:
                service.get("/v1/hello")
                numbers = [10_000_000 + 10 * number + each for each in range(10)]
                return service.post("/v1/primes", {"numbers": numbers}).status

            assert Counter(pool.map(ask, range(10))) == {200: 10}
            before = set(service.pids())
            assert Counter(pool.map(ask, range(10, 1000))) == {200: 990}
            assert service.get("/docs/openapi.json").status == 200
            lost = before - set(service.pids())
            assert len(lost) <= 1  # the one that listed them

    def test_health(self, baked: Bake) -> None:
        """The engine's own check of it succeeds."""
        name = build_image(baked())
        id_ = engine.run("run", "--detach", "--rm", *container.LEAST_PRIVILEGE, name).split()[-1]
        try:
            told = engine.inspect(name, "image")
            _, *check = (told.get("Healthcheck") or told["Config"]["Healthcheck"])["Test"]
            words = ["exec", id_, "sh", "-c", f"{shlex.join(check)} && echo healthy"]
            wait_until(lambda: engine.run(*words, check=False) == "healthy\n")
        finally:
            engine.run("rm", "--force", "--time", "0", id_)

    def test_zombies_are_reaped(self, baked: Bake) -> None:
        """Whose parent has ended is no burden."""
        with Container(baked()) as service:
            service.execute("sh", "-c", "(sleep 0.1 &) ; true")
            wait_until(lambda: "sleep" not in service.execute("ps", "-o", "args"))
            assert "Z" not in service.execute("ps", "-o", "stat").split()


class TestCompose:
    """The service and the cache of its choice."""

    @STORES
    def test_the_file_is_valid(self, baked: Bake, store: str) -> None:
        """Compose says so; and the service starts with nothing that was not chosen."""
        project = baked(cache_backend=store)
        config = yaml.safe_load(run(project, require("docker-compose"), "config"))
        expected = {"my-service", "cache"} if store in servers.COMMANDS else {"my-service"}
        assert set(config["services"]) == expected
        assert ("volumes" in config) == (store == "file")
        for each in config["services"].values():
            assert each["read_only"]
            assert each["cap_drop"] == ["ALL"]
            assert each["security_opt"] == ["no-new-privileges:true"]
            assert int(each["mem_limit"]) <= 256 * 2**20
            assert each["pids_limit"]
        published = config["services"]["my-service"]["ports"]
        assert {port["target"]: port.get("host_ip") for port in published} == {
            8080: None,
            8081: "127.0.0.1",  # metrics are nobody else's business
        }
        cache = config["services"].get("cache", {"healthcheck": {}})
        assert "ports" not in cache
        assert "healthcheck" in cache

    @pytest.mark.slow
    @STORES
    def test_it_runs(self, baked: Bake, tmp_path: Path, store: str) -> None:
        """Up it goes, and survives the end of its cache, and its cache's coming back."""
        project = bake(tmp_path, cache_backend=store)
        config = yaml.safe_load((project / "docker-compose.yml").read_text("utf-8"))["services"]
        if cache := config.get("cache"):
            provide_cache_image(store, cache["image"])
        with Compose(project) as compose:
            compose.up()
            assert set(compose.containers()) == set(config)

            def ask() -> float:
                answer = compose.post("/v1/primes", {"numbers": [97, 91]})
                assert [each["prime"] for each in answer.json()["numbers"]] == [True, False]
                return hits(compose.ops("/metrics").body.decode())

            wait_until(lambda: ask() >= 4)
            if cache:
                compose("stop", "cache")
                ask()
                compose("rm", "--force", "cache")
                before = ask()
                compose.up()
                wait_until(lambda: ask() > before + 4)
            compose("stop")
            assert compose.containers() == {}
