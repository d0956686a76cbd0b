"""Run a rendered service's pods by `podman play kube`, as a cluster would run them."""

import contextlib
import json
import socket
import socketserver
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from tests import container
from tests.stack import HOST, PATIENCE, Service, until

Manifest = dict[str, Any]


def engine() -> str:
    """Return the path of podman; docker knows nothing of pods."""
    found = container.engine()
    if Path(found).name != "podman":
        pytest.skip("podman is not the engine here, and docker knows nothing of pods")
    return found


class Pod(Service):
    """A context in which one of a Deployment's pods runs, and is ready."""

    def __init__(self, manifests: list[Manifest], image: str, folder: Path, name: str) -> None:
        super().__init__()
        engine()
        (settings,) = (each for each in manifests if each["kind"] == "ConfigMap")
        (web,) = (
            each
            for each in manifests
            if each["metadata"]["name"].endswith("-web") and each["kind"] == "Deployment"
        )
        web = json.loads(json.dumps(web))
        web["metadata"]["name"] = name
        self.spec = web["spec"]["template"]["spec"]
        for each in self.spec["containers"]:
            each |= {"image": image, "imagePullPolicy": "Never"}
            # On this machine's ports instead of the pod's own address.
            for port in each.get("ports", []):
                port["hostPort"] = self.port if port["name"] == "http" else self.ops_port
        # podman takes a volume's name for the machine's, and would have pods share it.
        self.volumes = {each["name"]: f"{name}-{each['name']}" for each in self.spec["volumes"]}
        mounts = [each for member in self.spec["containers"] for each in member["volumeMounts"]]
        for each in (*self.spec["volumes"], *mounts):
            each["name"] = self.volumes[each["name"]]
        self.name = f"{name}-pod-0"
        self.file = folder / f"{name}.json"
        self.file.write_text("\n---\n".join(map(json.dumps, (settings, web))), "utf-8")

    def __enter__(self) -> Self:
        try:
            container.run("play", "kube", str(self.file))
            until(self.is_ready)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def is_ready(self) -> bool:
        """Do as the readiness probe does."""
        try:
            return self.get("/readyz").status == 200
        except OSError:
            return False

    def execute(self, member: str, *words: str) -> str:
        """Return what a command prints in one of the pod's containers."""
        return container.run("exec", f"{self.name}-{member}", *words)

    def end(self) -> list[int]:
        """Do what a kubelet does to end a pod; return the exit statuses of its containers."""
        grace = self.spec["terminationGracePeriodSeconds"]
        with ThreadPoolExecutor() as each:
            return list(each.map(self._end, self.spec["containers"], [grace] * 2))

    def _end(self, member: Manifest, grace: int) -> int:
        begun = time.monotonic()
        self.execute(member["name"], *member["lifecycle"]["preStop"]["exec"]["command"])
        left = grace - int(time.monotonic() - begun)
        name = f"{self.name}-{member['name']}"
        container.run("stop", "--time", str(left), name)
        return int(container.inspect(name)["State"]["ExitCode"])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        container.run("pod", "kill", self.name, check=False)
        container.run("pod", "rm", "--force", self.name, check=False)
        container.run("volume", "rm", "--force", *self.volumes.values(), check=False)


class Balancer(Service):
    """A context in which connections go to one endpoint after the other, as a cluster's do.

    Like kube-proxy it knows nothing of HTTP, and tries no second endpoint.
    """

    def __init__(self) -> None:
        super().__init__()
        self.endpoints: list[Service] = []
        self.turn = 0
        balancer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    balancer.relay(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128

        self.server = Server((HOST, self.port), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=[0.01])

    def relay(self, client: socket.socket) -> None:
        """Carry bytes both ways until the endpoint has said all."""
        self.turn += 1
        target = self.endpoints[self.turn % len(self.endpoints)]
        with socket.create_connection((HOST, target.port), PATIENCE) as endpoint:
            there = threading.Thread(target=self.carry, args=[client, endpoint], daemon=True)
            there.start()
            self.carry(endpoint, client)

    def carry(self, source: socket.socket, target: socket.socket) -> None:
        """Carry bytes one way."""
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
