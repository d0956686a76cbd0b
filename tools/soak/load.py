"""Clients that ask a service for all that it has, and know what the answers have to be."""

import contextlib
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Any, Self

from tests.stack import HOST, PATIENCE, Service

CLIENTS = 8
# Seconds between two requests of a client: this is no benchmark.
PAUSE = 0.02
PRIMES = (2, 97, 7919, 1_000_003, 1_000_000_007, 10_000_000_019)


@dataclass(frozen=True)
class Call:
    """A request, the status that it has to get, and what has to be true of the JSON in it."""

    path: str
    numbers: list[int] | None = None
    status: int = 200
    holds: Callable[[Any], bool] | None = None


def divided(answer: Any) -> bool:
    """Tell whether each number is prime or has the factor that is said."""
    return all(
        entry["prime"] or entry["number"] % entry["factor"] == 0 for entry in answer["numbers"]
    )


def all_prime(answer: Any) -> bool:
    """Tell whether all are said to be prime."""
    return all(entry["prime"] for entry in answer["numbers"])


def fetched(answer: Any) -> bool:
    """Tell whether the peer's good page is there, and its bad one is told to be bad."""
    pages = {page["url"].rpartition("/")[2]: page for page in answer["pages"]}
    return "bytes" in pages["ok"] and "error" in pages["truncated"]


# By name, how often each is asked for, and the request.
MIX: dict[str, tuple[int, Callable[[random.Random], Call]]] = {
    "hello": (6, lambda dice: Call(f"/v1/hello?name={dice.randrange(5000)}")),
    "hello, kept": (3, lambda dice: Call("/v1/hello")),
    "primes, warm": (6, lambda dice: Call("/v1/primes", dice.sample(PRIMES, 3), holds=all_prime)),
    "primes, cold": (
        3,
        lambda dice: Call(
            "/v1/primes", [dice.randrange(2, 10**10) for _ in range(3)], holds=divided
        ),
    ),
    "pages": (3, lambda dice: Call("/v1/pages", holds=fetched)),
    "readyz": (3, lambda dice: Call("/readyz")),
    "docs": (1, lambda dice: Call("/docs/")),
    "document": (1, lambda dice: Call("/docs/openapi.json")),
    "404": (2, lambda dice: Call(f"/nothing/{dice.randrange(5000)}", status=404)),
    "422, query": (2, lambda dice: Call("/v1/hello?nmae=you", status=422)),
    "422, body": (2, lambda dice: Call("/v1/primes", [-1], status=422)),
}


class Crowd:
    """A context in which clients ask; every second one keeps its connection.

    `answered` counts by name what was as it should be, `errors` by kind what was not.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.answered: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.slowest = 0.0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=[n]) for n in range(CLIENTS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        dice = random.Random(number)  # noqa: S311
        names, weights = list(MIX), [weight for weight, _ in MIX.values()]
        with contextlib.closing(HTTPConnection(HOST, self.service.port, PATIENCE)) as connection:
            while not self._over.wait(PAUSE):
                (name,) = dice.choices(names, weights)
                begun = time.monotonic()
                error = self._outcome(connection, MIX[name][1](dice))
                with self._lock:
                    self.slowest = max(self.slowest, time.monotonic() - begun)
                    if error:
                        self.errors[f"{name}: {error}"] += 1
                    else:
                        self.answered[name] += 1
                if error or number % 2:
                    connection.close()

    def _outcome(self, connection: HTTPConnection, call: Call) -> str:
        """Return what was wrong with the answer, or nothing."""
        try:
            if call.numbers is None:
                connection.request("GET", call.path)
            else:
                body = json.dumps({"numbers": call.numbers})
                connection.request("POST", call.path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            body = response.read().decode()
        except (OSError, HTTPException) as error:
            return type(error).__name__
        if response.status != call.status:
            return f"status {response.status}"
        if call.holds and not call.holds(json.loads(body)):
            return f"wrong answer {body}"
        return ""
