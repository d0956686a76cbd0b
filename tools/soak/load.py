"""Request every endpoint of a service, and check each response."""

import contextlib
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any, Self

from harness.http import JSON, ServiceClient
from harness.waiting import HOST, TIMEOUT

CLIENTS = 8
# Seconds between two requests of a client: the load stays far below the service's limit.
PAUSE = 0.02
# Errors of a kept connection that the server has closed meanwhile. A client may then try again.
DROPPED = ("BrokenPipeError", "ConnectionResetError", "RemoteDisconnected")
PRIMES = (2, 97, 7919, 1_000_003, 1_000_000_007, 10_000_000_019)


@dataclass(frozen=True)
class Request:
    """A request, its expected status, and a check of the JSON in its response.

    A request with `numbers` is a POST, any other is a GET.
    """

    path: str
    numbers: list[int] | None = None
    status: int = 200
    is_correct: Callable[[Any], bool] = lambda answer: True


def _factors_divide(answer: Any) -> bool:
    """Return whether each number is called prime, or has a factor that divides it."""
    return all(
        entry["prime"] or entry["number"] % entry["factor"] == 0 for entry in answer["numbers"]
    )


def _all_prime(answer: Any) -> bool:
    return all(entry["prime"] for entry in answer["numbers"])


def _upstreams_reported(answer: Any) -> bool:
    """Return whether the good page has a size and the truncated one an error."""
    pages = {page["url"].rpartition("/")[2]: page for page in answer["pages"]}
    return "bytes" in pages["ok"] and "error" in pages["truncated"]


# Name of a request: its share of the load, and a function that makes it.
MIX: dict[str, tuple[int, Callable[[random.Random], Request]]] = {
    "hello": (6, lambda chance: Request(f"/v1/hello?name={chance.randrange(5000)}")),
    "hello, cached": (3, lambda chance: Request("/v1/hello")),
    "primes, warm": (
        6,
        lambda chance: Request("/v1/primes", chance.sample(PRIMES, 3), is_correct=_all_prime),
    ),
    "primes, cold": (
        3,
        lambda chance: Request(
            "/v1/primes",
            [chance.randrange(2, 10**10) for _ in range(3)],
            is_correct=_factors_divide,
        ),
    ),
    "pages": (3, lambda chance: Request("/v1/pages", is_correct=_upstreams_reported)),
    "readyz": (3, lambda chance: Request("/readyz")),
    "docs": (1, lambda chance: Request("/docs/")),
    "openapi.json": (1, lambda chance: Request("/docs/openapi.json")),
    "404": (2, lambda chance: Request(f"/unknown/{chance.randrange(5000)}", status=404)),
    "422, query": (2, lambda chance: Request("/v1/hello?nmae=you", status=422)),
    "422, body": (2, lambda chance: Request("/v1/primes", [-1], status=422)),
}


class LoadGenerator:
    """A context in which clients send requests; every second client keeps its connection.

    `responses` counts correct responses by the name of the request, `errors` counts the others
    by name and reason. `slowest` is the longest response time in seconds.
    """

    def __init__(self, service: ServiceClient) -> None:
        self.service = service
        self.responses: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.slowest = 0.0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=[n]) for n in range(CLIENTS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        chance = random.Random(number)  # noqa: S311
        names, weights = list(MIX), [weight for weight, _ in MIX.values()]
        with contextlib.closing(HTTPConnection(HOST, self.service.port, TIMEOUT)) as connection:
            while not self._stopping.wait(PAUSE):
                (name,) = chance.choices(names, weights)
                _, make_request = MIX[name]
                started = time.monotonic()
                error = _send(connection, make_request(chance))
                if error in DROPPED and number % 2 == 0:
                    # nginx may close a connection that is idle, for example at a reload.
                    connection.close()
                    error = _send(connection, make_request(chance))
                with self._lock:
                    self.slowest = max(self.slowest, time.monotonic() - started)
                    if error:
                        self.errors[f"{name}: {error}"] += 1
                    else:
                        self.responses[name] += 1
                if error or number % 2:
                    connection.close()


def _send(connection: HTTPConnection, request: Request) -> str:
    """Send a request; return why its response is wrong, or nothing."""
    try:
        if request.numbers is None:
            connection.request("GET", request.path)
        else:
            body = json.dumps({"numbers": request.numbers})
            connection.request("POST", request.path, body, JSON)
        response = connection.getresponse()
        body = response.read().decode()
    except (OSError, HTTPException) as error:
        return type(error).__name__
    if response.status != request.status:
        return f"status {response.status}"
    if "json" in response.headers["Content-Type"] and not request.is_correct(json.loads(body)):
        return f"wrong response {body}"
    return ""
