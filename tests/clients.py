"""Clients that ask a service without pause, and count what becomes of it."""

import socket
import threading
from collections import Counter

from tests.stack import HOST, PATIENCE, Answer, Service


class Clients:
    """Sixteen clients that ask on a new connection each time, until nobody listens."""

    def __init__(self, service: Service, *, heeding: bool = False) -> None:
        self.service = service
        self.heeding = heeding
        self.outcomes: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.enough = threading.Event()
        self.threads = [threading.Thread(target=self.ask, daemon=True) for _ in range(16)]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """Let them end after the request that each is at."""
        self.enough.set()
        self.join()

    def join(self) -> None:
        """Wait until all have ended."""
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def ask(self) -> None:
        """Ask again and again; those who heed /readyz ask it first."""
        outcome = ""
        while outcome != "refused" and not self.enough.is_set():
            if self.heeding and self.outcome("/readyz") != "200":
                return
            outcome = self.outcome("/v1/hello")
            with self.lock:
                self.outcomes[outcome] += 1

    def outcome(self, path: str) -> str:
        """Return the status of a whole answer, or what happened instead."""
        try:
            with socket.create_connection((HOST, self.service.port), PATIENCE) as connection:
                head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                connection.sendall(head.encode())
                response = b""
                while piece := connection.recv(65536):
                    response += piece
        except ConnectionRefusedError:
            return "refused"
        except (ConnectionResetError, BrokenPipeError):
            return "reset"
        if not response:
            return "empty"
        answer = Answer.parsed(response)
        whole = len(answer.body) == int(answer.headers["Content-Length"])
        return str(answer.status) if whole else "cut"
