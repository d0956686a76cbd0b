"""The five stores: one contract, held by real servers below the real stack."""

import json
import os
import shutil
import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import pytest
import yaml
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from harness.cache_server import CacheServer, cache_settings
from harness.environment import install
from harness.project import CHOICES, Bake, bake
from harness.stack import Stack
from harness.waiting import wait_until

pytestmark = pytest.mark.slow

STORES = CHOICES["cache_backend"]
SERVERS = {"memcached": 3, "redis": 1}
NETWORK = sorted(SERVERS)
# Where the store is each worker's own, so is the lock.
SHARED = [store for store in STORES if store != "memory"]
DRIVER = Path(__file__).with_name("cache_driver.py")
TTL, STALE = 1000.0, 2000.0  # the driver's
OUTCOMES = ("hit", "miss", "stale", "error", "bypass")


class Service(Stack):
    """A service with the driver in it, its stack, and the servers of its store."""

    def __init__(self, project: Path, store: str, folder: Path, **variables: str) -> None:
        self.store = store
        self.driver = folder / "driver"
        self.driver.mkdir(parents=True)
        super().__init__(project, APP_LOG_LEVEL="WARNING", DRIVER=str(self.driver), **variables)

    def ask(self, action: str, *arguments: Any) -> dict[str, Any]:
        """Tell the driver what to do; return its answer."""
        answer = self.post("/driver", [action, *arguments])
        assert answer.status == 200, answer.body
        said = answer.json()
        assert isinstance(said, dict)
        return said

    def do(self, action: str, *arguments: Any) -> Any:
        """Tell the driver what to do; return the value."""
        answer = self.ask(action, *arguments)
        assert "value" in answer, answer
        return answer["value"]

    def run(self, function: str, *args: Any, **kwargs: Any) -> Any:
        """Call one of the driver's cached functions."""
        return self.do("call", function, args, kwargs)

    def calls(self) -> list[str]:
        """Return the functions that were called, not only asked for, and by whom."""
        file = self.driver / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def outcomes(self, function: str) -> Counter[str]:
        """Return what the metrics tell of a function."""
        name = f"main.wsgi.{function}"
        text = self.ops("/metrics").body.decode()
        found: Counter[str] = Counter()
        for outcome in OUTCOMES:
            label = f'cache_calls_total{{callable="{name}",outcome="{outcome}"}} '
            for line in text.splitlines():
                if line.startswith(label):
                    found[outcome] += int(float(line.removeprefix(label)))
        return found


@pytest.fixture(scope="session")
def drivers(tmp_path_factory: pytest.TempPathFactory) -> Bake:
    """Return a function that bakes a service with the driver in it, each once."""
    projects: dict[tuple[tuple[str, str], ...], Path] = {}

    def make(**answers: str) -> Path:
        key = tuple(sorted(answers.items()))
        if key not in projects:
            project = install(bake(tmp_path_factory.mktemp("driver"), sample_api="no", **answers))
            shutil.copy(DRIVER, project / "main" / "wsgi.py")
            projects[key] = project
        return projects[key]

    return make


@contextmanager
def running(
    project: Path, store: str, running_servers: list[CacheServer] | None = None, **variables: str
) -> Iterator[Service]:
    """Run a service; it starts its servers unless it is given some."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if running_servers is None:
            running_servers = [
                stack.enter_context(CacheServer(store)) for _ in range(SERVERS.get(store, 0))
            ]
        given = {**cache_settings(store, running_servers, folder / "store"), **variables}
        yield stack.enter_context(Service(project, store, folder / "own", **given))


@pytest.fixture(scope="module", params=STORES)
def one(request: pytest.FixtureRequest, drivers: Bake) -> Iterator[Service]:
    """Run a service with one worker, for each store."""
    store = request.param
    with running(drivers(cache_backend=store), store, UWSGI_PROCESSES="1") as service:
        yield service


@pytest.fixture(scope="module", params=STORES)
def many(request: pytest.FixtureRequest, drivers: Bake) -> Iterator[Service]:
    """Run a service with eight workers, four threads each, for each store."""
    store = request.param
    with running(
        drivers(cache_backend=store), store, UWSGI_PROCESSES="8", UWSGI_THREADS="4"
    ) as service:
        yield service


class TestOne:
    """What `@cached` promises to a caller."""

    def test_a_call_is_made_once_however_it_is_written(self, one: Service) -> None:
        """By position, by name, by default."""
        first = one.run("usual", "written")
        assert one.run("usual", "written", 0.0) == first
        assert one.run("usual", name="written") == first
        assert one.run("usual", seconds=0.0, name="written") == first
        assert one.run("usual", "written otherwise") != first

    @pytest.mark.parametrize(
        "value",
        [None, 0, False, "", [], {}, 1.5, 2**63, "münchen 👍\u2028\n", "x" * 5000, {"é b": [None]}],
        ids=lambda value: repr(value)[:12],
    )
    def test_what_is_kept_comes_back(self, one: Service, value: Any) -> None:
        """Falsy results, any Unicode, any length: as arguments, and as results."""
        before = len(one.calls())
        assert [one.run("echo", value) for _ in range(3)] == [value] * 3
        assert len(one.calls()) == before + 1

    def test_what_cannot_be_kept_is_named(self, one: Service) -> None:
        """At the first call, with the function and the type."""
        error = one.ask("unlike")["error"]
        assert error.startswith("TypeError: main.wsgi.echo cannot be cached by its arguments")
        assert " set " in error

    def test_a_method(self, one: Service) -> None:
        """Its key says what of the object counts."""
        first = one.do("price", "corner", "tea")
        assert one.do("price", "corner", "tea") == first
        assert one.do("price", "other", "tea") != first

    def test_one_call_one_function_and_everything_can_be_forgotten(self, one: Service) -> None:
        """And nothing more than that."""

        def fill() -> list[Any]:
            return [one.run("usual", 1), one.run("usual", 2), one.run("strict", 1)]

        first = fill()
        one.do("clear_call", "usual", [1])
        second = fill()
        assert [new == old for new, old in zip(second, first, strict=True)] == [False, True, True]
        one.do("clear_function", "usual")
        third = fill()
        assert [new == old for new, old in zip(third, second, strict=True)] == [False, False, True]
        one.do("clear")
        assert not [new for new, old in zip(fill(), third, strict=True) if new == old]

    @pytest.mark.parametrize("spoil", ["cut", "flip", "foreign", "nothing", "longer"])
    def test_spoilt_bytes_are_a_miss(self, one: Service, spoil: str) -> None:
        """They are counted, and never an exception."""
        first = one.run("usual", spoil)
        key = one.do("key", "usual", [spoil])
        stored = bytes.fromhex(one.do("stored", key))
        assert stored
        flipped = bytes([*stored[:5], stored[5] ^ 1, *stored[6:]])
        foreign = bytes.fromhex(
            one.do("stored", one.do("key", "usual", [one.run("usual", "x")[0]]))
        )
        garbage = {
            "cut": stored[:-3],
            "flip": flipped,
            "foreign": foreign,
            "nothing": b"\0",
            "longer": stored + b"]",
        }[spoil]
        before = one.outcomes("usual")
        one.do("spoil", key, garbage.hex())
        second = one.run("usual", spoil)
        assert second != first
        assert one.run("usual", spoil) == second
        told = one.outcomes("usual") - before
        assert told == {"error": 1, "hit": 1}

    def test_a_large_result(self, one: Service) -> None:
        """Kept or not, it is what the function returned."""
        for size in (60_000, 3_000_000):
            first, second = (one.run("large", size) for _ in range(2))
            assert len(first) == len(second) == size
            refused = one.store in {"memcached", "uwsgi"} and size > 1_000_000
            assert (first == second) is not refused

    def test_readiness(self, one: Service) -> None:
        """The store answers."""
        assert one.get("/readyz").json() == {"status": "ok", "parts": {"cache": "ok"}}


class Model(RuleBasedStateMachine):
    """A dictionary and a clock, side by side with a service."""

    service: Service

    def __init__(self) -> None:
        super().__init__()
        self.now = 1e9
        self.held: dict[tuple[str, Any], tuple[float, Any]] = {}

    @initialize()
    def begin(self) -> None:
        """Start with nothing."""
        self.fails(False)
        self.passes(0)
        self.service.do("clear")

    names = st.sampled_from([1, "1", None, "ä b", [1, {"x": None}]])
    functions = st.sampled_from(["usual", "eternal", "strict"])

    @rule(function=functions, name=names)
    def calls(self, function: str, name: Any) -> None:
        """Call: the result is the one that the dictionary has, or a new one."""
        made = len(self.service.calls())
        answer = self.service.ask("call", function, [name], {})
        key = function, json.dumps(name)
        written, value = self.held.get(key, (float("-inf"), None))
        age = self.now - written
        fresh, stale = {
            "usual": (TTL, STALE),
            "eternal": (float("inf"), 0.0),
            "strict": (TTL + 0.5, 0.0),
        }[function]
        if value is not None and age < fresh:
            assert answer.get("value") == value
            assert len(self.service.calls()) == made
            return
        assert len(self.service.calls()) == made + 1
        if function == "usual" and (self.service.driver / "fail").exists():
            if value is not None and age < fresh + stale:
                assert answer.get("value") == value
            else:
                assert answer.get("error") == "RuntimeError: told to fail"
            return
        assert answer["value"][0] == name
        assert answer["value"] not in [value for _, value in self.held.values()]
        self.held[key] = self.now, answer["value"]

    @rule(seconds=st.sampled_from([0.25, 1.0, 999.5, 1000.0, 2000.0]))
    def passes(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        (self.service.driver / "clock").write_text(repr(self.now))

    @rule(fails=st.booleans())
    def fails(self, fails: bool) -> None:
        """Let calls fail, or succeed."""
        flag = self.service.driver / "fail"
        if fails:
            flag.touch()
        else:
            flag.unlink(missing_ok=True)

    @rule(function=functions, name=names)
    def forgets_a_call(self, function: str, name: Any) -> None:
        """Clear one call."""
        self.service.do("clear_call", function, [name])
        self.held.pop((function, json.dumps(name)), None)

    @rule(function=functions)
    def forgets_a_function(self, function: str) -> None:
        """Clear a function."""
        self.service.do("clear_function", function)
        self.held = {key: entry for key, entry in self.held.items() if key[0] != function}

    @rule()
    def forgets_everything(self) -> None:
        """Clear the service."""
        self.service.do("clear")
        self.held.clear()

    @rule(function=functions, name=names, garbage=st.binary(min_size=1, max_size=20))
    def spoils(self, function: str, name: Any, garbage: bytes) -> None:
        """Write something else under a key."""
        self.service.do("spoil", self.service.do("key", function, [name]), garbage.hex())
        self.held.pop((function, json.dumps(name)), None)

    @invariant()
    def nothing_is_logged_as_an_error(self) -> None:
        """Hold that the service never fails."""
        assert not self.service.lines(level="ERROR")

    def teardown(self) -> None:
        """Leave the service as others expect it."""
        self.fails(False)
        (self.service.driver / "clock").unlink(missing_ok=True)
        self.service.do("clear")


def test_it_is_a_dictionary_with_a_clock(one: Service) -> None:
    """Whatever is done to it, in whatever order."""

    class Machine(Model):
        service = one

    machine = Machine.TestCase
    machine.settings = settings(
        max_examples=25,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    machine().runTest()


class Together:
    """Callers that begin at the same time."""

    def __init__(self, count: int) -> None:
        self.pool = ThreadPoolExecutor(count)
        self.barrier = threading.Barrier(count)
        self.count = count

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown()

    def ask(self, service: Service, *arguments: Any) -> list[dict[str, Any]]:
        """Ask the same, all at once; return the answers."""

        def call(_: int) -> dict[str, Any]:
            self.barrier.wait(10)
            return service.ask(*arguments)

        return list(self.pool.map(call, range(self.count)))


class TestMany:
    """What `@cached` promises to callers in many workers."""

    def test_a_stampede_is_one_call(self, many: Service) -> None:
        """Of 32 callers in 8 workers; where the store is a worker's own, one in each."""
        for attempt in range(3):
            before = len(many.calls())
            with Together(32) as callers:
                answers = callers.ask(many, "call", "usual", [f"cold {attempt}", 0.1], {})
            workers = {answer["pid"] for answer in answers}
            assert len(workers) > 1
            made = len(many.calls()) - before
            assert made == (len(workers) if many.store == "memory" else 1)
            results = {json.dumps(answer["value"]) for answer in answers}
            assert len(results) == made

    def test_different_keys_never_wait_for_each_other(self, many: Service) -> None:
        """While one call hangs, others are made, of the same function."""
        (many.driver / "slow").touch()
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(many.run, "hanging", "slow")
            taken = wait_until(lambda: list(many.driver.glob("slow-taken")))
            for number in range(40):
                assert many.run("hanging", f"quick {number}") == f"quick {number}"
            assert not slow.done()
            taken[0].unlink()
            assert slow.result(10) == "slow"

    def test_who_was_killed_is_not_waited_for(self, many: Service) -> None:
        """The others go on after the bounded wait, long before the call would have ended."""
        (many.driver / "doomed").touch()
        with ThreadPoolExecutor(17) as pool:
            first: Future[Any] = pool.submit(
                many.post, "/driver", ["call", "hanging", ["doomed"], {}]
            )
            wait_until(lambda: list(many.driver.glob("doomed-taken")))
            (line,) = [line for line in many.calls() if line.startswith("hanging-doomed")]
            os.kill(int(line.split()[-1]), signal.SIGKILL)
            others = [pool.submit(many.run, "hanging", "doomed") for _ in range(16)]
            # It would hang for as long as this file is there.
            assert (many.driver / "doomed-taken").exists()
            assert {other.result(20) for other in others} == {"doomed"}
            assert first.result(20).status == 502

    @pytest.mark.parametrize("many", SHARED, indirect=True)
    def test_a_stale_result_serves_while_one_caller_renews_it(self, many: Service) -> None:
        """The others get it at once."""
        (many.driver / "clock").write_text("1e9")
        try:
            assert many.run("hanging", "renewed") == "renewed"
            (many.driver / "clock").write_text(repr(1e9 + TTL + 1))
            (many.driver / "renewed").touch()
            with ThreadPoolExecutor(1) as pool:
                renewal = pool.submit(many.run, "hanging", "renewed")
                taken = wait_until(lambda: list(many.driver.glob("renewed-taken")))
                for _ in range(40):
                    assert many.run("hanging", "renewed") == "renewed"
                assert not renewal.done()
                taken[0].unlink()
                assert renewal.result(10) == "renewed"
            assert many.outcomes("hanging")["stale"] >= 40
        finally:
            (many.driver / "clock").unlink()

    def test_workers_do_not_mix_up_their_answers(self, many: Service) -> None:
        """Also where the master had a connection before it forked."""
        with ThreadPoolExecutor(16) as pool:
            for _ in range(5):
                values = [f"{number % 50}" * 100 for number in range(400)]
                assert list(pool.map(lambda value: many.run("echo", value), values)) == values
        assert many.outcomes("echo")["error"] == 0

    def test_a_result_is_for_all_workers(self, many: Service) -> None:
        """Every worker of a container, where the store can be shared."""
        results, workers = set(), set()
        for _ in range(100):
            answer = many.ask("call", "eternal", ["all"], {})
            workers.add(answer["pid"])
            results.add(json.dumps(answer["value"]))
        assert len(results) == (len(workers) if many.store == "memory" else 1)


class TestNeighbours:
    """Services that share a store share nothing else."""

    @pytest.mark.parametrize("store", ["file", *NETWORK])
    def test_other_services_and_other_code(
        self, drivers: Bake, tmp_path: Path, store: str
    ) -> None:
        """Neither is ever answered with a value of the other; the same code is."""
        project = drivers(cache_backend=store)
        other_name = drivers(cache_backend=store, service_slug="other")
        other_code = tmp_path / "other"
        shutil.copytree(project, other_code, symlinks=True)
        with (other_code / "main" / "util" / "schema.py").open("a") as file:
            file.write("# One line more.\n")
        with ExitStack() as stack:
            shared = [stack.enter_context(CacheServer(store)) for _ in range(SERVERS.get(store, 0))]
            folder = {"APP_CACHE_DIR": str(tmp_path / "store")} if store == "file" else {}
            services = [
                stack.enter_context(running(each, store, shared, **folder))
                for each in (project, other_name, other_code, project)
            ]
            results = [
                json.dumps([service.run("usual", "shared"), service.calls()])
                for service in services
            ]
            calls = [len(service.calls()) for service in services]
            # Each has called `echo` once before it forked, but for the last, which is the first.
            assert calls == [2, 2, 2, 0], results
            services[0].do("clear")
            assert services[1].run("usual", "shared") is not None
            assert [len(service.calls()) for service in services] == [2, 2, 2, 0]


def await_more(count: int, counter: Callable[[], int]) -> None:
    """Wait until a counter has grown by that much."""
    begun = counter()
    wait_until(lambda: counter() - begun > count)


class TestDown:
    """A server that does not answer makes the service slower, and nothing else."""

    @pytest.mark.parametrize("store", NETWORK)
    def test_a_closed_port(self, drivers: Bake, store: str) -> None:
        """The service starts, works, and says that it does without."""
        absent = [CacheServer(store) for _ in range(SERVERS[store])]
        with running(
            drivers(cache_backend=store), store, absent, UWSGI_PROCESSES="1"
        ) as service:
            for number in range(20):
                assert service.run("usual", number % 2)[0] == number % 2
            assert service.get("/readyz").json()["status"] == "degraded"
            told = service.outcomes("usual")
            assert told["bypass"] >= 15
            assert told["hit"] == 0
            # It comes into being: nobody has to do anything.
            for server in absent:
                server.start()
            try:
                wait_until(lambda: service.run("usual", "new") == service.run("usual", "new"))
                assert service.get("/readyz").json()["status"] == "ok"
            finally:
                for server in absent:
                    server.kill()

    @pytest.mark.parametrize("store", NETWORK)
    def test_a_black_hole(self, drivers: Bake, store: str) -> None:
        """It is waited for once in a cool-down, for a moment; then it is back."""
        with (
            CacheServer(store) as server,
            running(
                drivers(cache_backend=store), store, [server], UWSGI_PROCESSES="1"
            ) as service,
        ):
            kept = service.run("usual", "kept")
            with server.frozen():
                before = service.outcomes("usual")
                for number in range(20):
                    assert service.run("usual", number)[0] == number
                told = service.outcomes("usual") - before
                assert told == {"error": 1, "bypass": 19}
                assert service.get("/readyz").json()["status"] == "degraded"
            wait_until(lambda: service.run("usual", "kept") == kept)
            assert service.get("/readyz").json()["status"] == "ok"

    @pytest.mark.parametrize("store", NETWORK)
    def test_killed_under_load_and_back_again(self, drivers: Bake, store: str) -> None:
        """No request fails, and the store is used again by itself."""
        over = threading.Event()

        def load(service: Service) -> int:
            done = 0
            while not over.is_set():
                assert service.run("usual", done % 5)[0] == done % 5
                done += 1
            return done

        with ExitStack() as stack:
            crowd = [stack.enter_context(CacheServer(store)) for _ in range(SERVERS[store])]
            service = stack.enter_context(running(drivers(cache_backend=store), store, crowd))
            pool = stack.enter_context(ThreadPoolExecutor(8))
            stack.callback(over.set)
            clients = [pool.submit(load, service) for _ in range(8)]
            for server in crowd:
                await_more(50, lambda: service.outcomes("usual")["hit"])
                server.kill()
                assert service.get("/readyz").json()["status"] == "degraded"
                await_more(200, lambda: service.outcomes("usual").total())
                server.start()
                wait_until(lambda: service.get("/readyz").json()["status"] == "ok")
                await_more(200, lambda: service.outcomes("usual")["hit"])
            over.set()
            assert min(client.result(20) for client in clients) > 10
            assert not service.lines(level="ERROR")

    def test_of_several_servers_one_is_not_missed(self, drivers: Bake) -> None:
        """The others stand in for it; what they hold is still found."""
        with ExitStack() as stack:
            crowd = [stack.enter_context(CacheServer("memcached")) for _ in range(3)]
            service = stack.enter_context(
                running(drivers(cache_backend="memcached"), "memcached", crowd, UWSGI_PROCESSES="1")
            )
            first = [service.run("usual", number) for number in range(60)]
            crowd[1].kill()
            second = [service.run("usual", number) for number in range(60)]
            kept = sum(new == old for new, old in zip(second, first, strict=True))
            assert 25 <= kept < 60
            third = [service.run("usual", number) for number in range(60)]
            assert third == second
            assert service.outcomes("usual")["bypass"] == 0


class TestBounds:
    """A store takes as much as its setting says."""

    def test_entries(self, drivers: Bake) -> None:
        """Of three times as many, the last are there and the first are not."""
        for store in ("memory", "file", "uwsgi"):
            project = drivers(cache_backend=store)
            with running(project, store, UWSGI_PROCESSES="1", APP_CACHE_SIZE="64") as service:
                first = [service.run("eternal", number) for number in range(192)]
                before = len(service.calls())
                kept = sum(service.run("eternal", number) == first[number] for number in (191, 190))
                assert kept == 2, store
                lost = [service.run("eternal", number) != first[number] for number in range(20)]
                assert all(lost), store
                assert len(service.calls()) == before + 20
                if store == "file":
                    folder = Path(service.variables["APP_CACHE_DIR"])
                    assert len(list(folder.rglob("*@*"))) <= 64

    @pytest.mark.parametrize("store", NETWORK)
    def test_megabytes(self, drivers: Bake, store: str) -> None:
        """The server forgets what was used least recently, and refuses nothing."""
        megabytes = 8
        with (
            CacheServer(store, megabytes) as server,
            running(
                drivers(cache_backend=store), store, [server], UWSGI_PROCESSES="1"
            ) as service,
        ):
            for number in range(60):
                service.run("large", 500_000 + number)
            if store == "redis":
                memory = server.ask("INFO memory", b"maxmemory_policy")
                (used,) = [line for line in memory.splitlines() if line.startswith("used_memory:")]
            else:
                stats = server.ask("stats", b"END\r\n")
                (used,) = [
                    line.replace("STAT bytes ", "STAT bytes:")
                    for line in stats.splitlines()
                    if line.startswith("STAT bytes ")
                ]
            assert 2e6 < int(used.split(":")[1]) < megabytes * 1024 * 1024 * 1.1
            before = len(service.calls())
            assert len(service.run("large", 500_059)) == 500_058
            assert len(service.calls()) == before
            assert not service.lines(event="cache.refused")


# The store, its setting, a bad value, and how the sentence goes on.
REFUSED = [
    *((store, "APP_CACHE_SIZE", "many", "a whole number from") for store in STORES),
    *((store, "APP_CACHE_TTL", "0", "a positive number of seconds") for store in STORES),
    ("file", "APP_CACHE_DIR", "/proc/cache", "a folder where this user"),
    ("memcached", "APP_CACHE_SERVERS", "10.0.0.1;10.0.0.2", "different host:port addresses"),
    ("redis", "APP_CACHE_URL", "http://:secret@cache", "redis://"),
]


@pytest.mark.parametrize(("store", "name", "value", "right"), REFUSED)
def test_a_bad_setting_is_refused_at_the_start(
    installed: Bake, store: str, name: str, value: str, right: str
) -> None:
    """One sentence names it; no secret is shown; nothing is left running."""
    project = installed(cache_backend=store)
    with Stack(project, ready="", **{name: value}) as stack:
        assert stack.process.wait(20) != 0
        said = stack.log.text()
    assert f"{name} must be {right}" in said
    assert "secret" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize("store", NETWORK)
def test_containers_start_the_servers_as_these_tests_do(baked: Bake, store: str) -> None:
    """What bounds them here bounds them in compose and in Kubernetes."""
    project = baked(cache_backend=store)
    compose = yaml.safe_load((project / "docker-compose.yml").read_text("utf-8"))
    server = compose["services"]["cache"]
    told = [each.replace("${APP_CACHE_SIZE:-64}", "{size}") for each in server["command"]]
    assert told == list(servers.COMMANDS[store])
    manifests = yaml.safe_load_all((project / "deploy/k8s/cache.yaml").read_text("utf-8"))
    (workload,) = (each for each in manifests if "template" in each["spec"])
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    assert container["args"] == [
        each.replace("${APP_CACHE_SIZE:-64}", "64") for each in server["command"]
    ]
    assert container["image"] == server["image"]
    assert container["resources"]["limits"]["memory"] == server["mem_limit"].replace("m", "Mi")
