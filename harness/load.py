"""Put load on a service and count the outcomes."""

import socket
import threading
from collections import Counter

from harness.http import Response, ServiceClient
from harness.waiting import HOST, TIMEOUT

CLIENTS = 16


class LoadClients:
    """Sixteen clients that request /v1/hello on new connections until nobody listens.

    With `respect_readiness` each stops as soon as /readyz does not answer 200. `outcomes` counts
    statuses, and "refused", "reset", "empty" and "truncated" for what is not a response.
    """

    def __init__(self, service: ServiceClient, *, respect_readiness: bool = False) -> None:
        self.service = service
        self.respect_readiness = respect_readiness
        self.outcomes: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each client finish its request, then stop it."""
        self._stopping.set()
        self.join()

    def join(self) -> None:
        """Wait until all clients have ended."""
        for thread in self._threads:
            thread.join(TIMEOUT)
            assert not thread.is_alive(), "a client did not get its response"

    def _run(self) -> None:
        outcome = ""
        while outcome != "refused" and not self._stopping.is_set():
            if self.respect_readiness and self._request("/readyz") != "200":
                return
            outcome = self._request("/v1/hello")
            with self._lock:
                self.outcomes[outcome] += 1

    def _request(self, path: str) -> str:
        try:
            with socket.create_connection((HOST, self.service.port), TIMEOUT) as connection:
                request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                connection.sendall(request.encode())
                raw = b"".join(iter(lambda: connection.recv(65536), b""))
        except ConnectionRefusedError:
            return "refused"
        except (ConnectionResetError, BrokenPipeError):
            return "reset"
        if not raw:
            return "empty"
        response = Response.parse(raw)
        complete = len(response.body) == int(response.headers["Content-Length"])
        return str(response.status) if complete else "truncated"
