"""A TCP load balancer, round robin, as kube-proxy is for a cluster's Service."""

import contextlib
import socket
import socketserver
import threading
from typing import Self

from harness.http import ServiceClient
from harness.waiting import HOST, TIMEOUT


class LoadBalancer(ServiceClient):
    """A context in which connections go to the next of `endpoints`.

    It knows nothing of HTTP and never tries a second endpoint.
    """

    def __init__(self) -> None:
        super().__init__()
        self.endpoints: list[ServiceClient] = []
        self._connections = 0
        balancer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    balancer._forward(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128

        self._server = Server((HOST, self.port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.01])

    def _forward(self, client: socket.socket) -> None:
        """Copy bytes both ways until the endpoint closes its connection."""
        self._connections += 1
        target = self.endpoints[self._connections % len(self.endpoints)]
        with socket.create_connection((HOST, target.port), TIMEOUT) as endpoint:
            threading.Thread(target=_copy, args=[client, endpoint], daemon=True).start()
            _copy(endpoint, client)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
