"""A store that does not answer makes the service slower; no request fails."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from harness.cache_server import NETWORK_STORES, SERVER_COUNTS, CacheServer
from harness.cache_service import CacheService, running_cache_service
from harness.project import Bake
from harness.waiting import wait_until

CLIENTS = 8


@contextmanager
def running_servers(store: str) -> Iterator[list[CacheServer]]:
    """Run as many servers as a service with this store uses."""
    with ExitStack() as stack:
        count = SERVER_COUNTS[store]
        yield [stack.enter_context(CacheServer(store)) for _ in range(count)]


def readiness(service: CacheService) -> str:
    """Return the status of /readyz."""
    return str(service.get("/readyz").json()["status"])


@pytest.mark.parametrize("store", NETWORK_STORES)
def test_a_service_starts_without_its_servers(cache_projects: Bake, store: str) -> None:
    """It bypasses the closed ports, and uses the servers once they start."""
    servers = [CacheServer(store) for _ in range(SERVER_COUNTS[store])]
    project = cache_projects(store)
    with running_cache_service(project, store, servers, UWSGI_PROCESSES="1") as service:
        for number in range(20):
            assert service.call_cached("with_stale", number % 2)[0] == number % 2
        wait_until(lambda: readiness(service) == "degraded")
        outcomes = service.outcomes("with_stale")
        assert outcomes["bypass"] >= 15
        assert outcomes["hit"] == 0
        with ExitStack() as stack:
            for server in servers:
                stack.enter_context(server)
            wait_until(lambda: values_are_cached(service))
            wait_until(lambda: readiness(service) == "ok")


def values_are_cached(service: CacheService) -> bool:
    """Return whether two calls get the same value."""
    first, second = (service.call_cached("with_stale", "new") for _ in range(2))
    return bool(first == second)


@pytest.mark.parametrize("store", NETWORK_STORES)
def test_a_silent_server_costs_one_timeout(cache_projects: Bake, store: str) -> None:
    """While the circuit is open, calls bypass the server; later its entries are found again."""
    project = cache_projects(store)
    with (
        CacheServer(store) as server,
        running_cache_service(project, store, [server], UWSGI_PROCESSES="1") as service,
    ):
        stored = service.call_cached("with_stale", "stored")
        with server.frozen():
            before = service.outcomes("with_stale")
            for number in range(20):
                assert service.call_cached("with_stale", number)[0] == number
            assert service.outcomes("with_stale") - before == {"error": 1, "bypass": 19}
            wait_until(lambda: readiness(service) == "degraded")
        wait_until(lambda: values_are_cached(service))
        assert service.call_cached("with_stale", "stored") == stored
        wait_until(lambda: readiness(service) == "ok")


def wait_for_increase(counter: Callable[[], int], increase: int) -> None:
    """Wait until the counter has grown by more than `increase`."""
    start = counter()
    wait_until(lambda: counter() - start > increase)


@pytest.mark.parametrize("store", NETWORK_STORES)
def test_servers_killed_under_load_fail_no_request(
    cache_projects: Bake, executor: ThreadPoolExecutor, store: str
) -> None:
    """Each server is used again after it restarts, and nothing is logged as an error."""
    stopping = threading.Event()

    def call_repeatedly(service: CacheService) -> int:
        calls = 0
        while not stopping.is_set():
            assert service.call_cached("with_stale", calls % 5)[0] == calls % 5
            calls += 1
        return calls

    with (
        running_servers(store) as servers,
        running_cache_service(cache_projects(store), store, servers) as service,
        ExitStack() as stack,
    ):

        def hits() -> int:
            return service.outcomes("with_stale")["hit"]

        def calls() -> int:
            return service.outcomes("with_stale").total()

        stack.callback(stopping.set)
        clients = [executor.submit(call_repeatedly, service) for _ in range(CLIENTS)]
        for server in servers:
            wait_for_increase(hits, 50)
            server.kill()
            wait_until(lambda: readiness(service) == "degraded")
            wait_for_increase(calls, 200)
            server.start()
            wait_until(lambda: readiness(service) == "ok")
            wait_for_increase(hits, 200)
        stopping.set()
        assert min(client.result(20) for client in clients) > 10
        assert not service.lines(level="ERROR")


def has_version(server: CacheServer, service: CacheService) -> bool:
    """Return whether a memcached has the version of this service, or of one of its functions."""
    key = service.perform("key", "with_stale", [0])
    prefixes = key[: key.index(":") + 1], key[: key.rindex(":") + 1]
    return any("VALUE" in server.send(f"get {each}version", b"END\r\n") for each in prefixes)


@pytest.mark.parametrize("is_version_lost", [False, True])
def test_the_other_memcached_servers_take_over(cache_projects: Bake, is_version_lost: bool) -> None:
    """One of three is killed: the others' entries are found, unless a version is lost with it."""
    project = cache_projects("memcached")
    with (
        running_servers("memcached") as servers,
        running_cache_service(project, "memcached", servers, UWSGI_PROCESSES="1") as service,
    ):

        def call_all() -> list[Any]:
            return [service.call_cached("with_stale", number) for number in range(60)]

        first = call_all()
        # Two prefixes have their versions on two servers at most.
        next(each for each in servers if has_version(each, service) == is_version_lost).kill()
        killed_at = time.monotonic()
        wait_until(lambda: readiness(service) == "degraded")
        # The service reads the versions once a second.
        wait_until(lambda: time.monotonic() > killed_at + 1)
        second = call_all()
        kept = sum(new == old for new, old in zip(second, first, strict=True))
        assert kept == 0 if is_version_lost else 25 <= kept < 60
        assert call_all() == second
        assert service.outcomes("with_stale")["bypass"] == 0
