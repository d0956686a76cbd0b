"""The pods of deploy/k8s, run by podman and replaced as a Deployment replaces them."""

import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.cache_server import COMMANDS
from harness.containers.image import build_image
from harness.containers.load_balancer import LoadBalancer
from harness.containers.pod import Pod
from harness.load import LoadClients
from harness.manifests import build_manifests, of_kind
from harness.project import CHOICES, Bake
from harness.waiting import wait_until

pytestmark = pytest.mark.full

# Seconds until all nodes of a cluster have stopped sending connections to a terminating pod.
PROPAGATION_DELAY = 2.0


@pytest.mark.parametrize("store", CHOICES["cache_backend"])
def test_the_containers_of_a_pod_are_one_service(baked: Bake, tmp_path: Path, store: str) -> None:
    """Cache servers are missing here: the pod serves without them and reports "degraded"."""
    project = baked(cache_backend=store)
    needs_server = store in COMMANDS
    with Pod(build_manifests(project), build_image(project), tmp_path) as pod:
        assert pod.get("/livez").json() == {"status": "ok"}
        pod.post("/v1/primes", {"numbers": [7]})
        assert pod.get("/readyz").json()["status"] == ("degraded" if needs_server else "ok")
        for _ in range(20):
            response = pod.post("/v1/primes", {"numbers": [97, 91]})
            assert [each["prime"] for each in response.json()["numbers"]] == [True, False]
        assert (pod.cache_hits() == 0) == needs_server
        assert b"swagger-ui" in pod.get("/docs/").body
        assert pod.get("/metrics").status == 404
        assert pod.get("/v1/hello?name=you").json() == {"message": "Hello, you!"}
        for member in ("nginx", "app"):
            assert "uid=10001" in pod.execute(member, "id")
            programs = pod.execute(member, "ps", "-o", "args")
            assert ("nginx: master" in programs) == (member == "nginx")
            assert ("uwsgi" in programs) == (member == "app")


def test_a_rolling_update_loses_no_request(baked: Bake, tmp_path: Path) -> None:
    """Two pods are replaced one after the other under load."""
    project = baked()
    manifests = build_manifests(project)
    (settings,) = of_kind(manifests, "ConfigMap")
    # nginx answers no request from its cache.
    settings["data"]["APP_HELLO_MAX_AGE"] = "0"
    image = build_image(project)
    with ExitStack() as stack:
        old_pods = [stack.enter_context(Pod(manifests, image, tmp_path)) for _ in range(2)]
        balancer = stack.enter_context(LoadBalancer())
        balancer.endpoints = [*old_pods]
        clients = LoadClients(balancer)
        wait_until(lambda: clients.outcomes["200"] >= 200)
        for old in old_pods:
            new = stack.enter_context(Pod(manifests, image, tmp_path))
            balancer.endpoints = [*balancer.endpoints, new]
            assert _replace(old, balancer) == [0, 0]
        before = clients.outcomes["200"]
        wait_until(lambda: clients.outcomes["200"] >= before + 200)
        clients.stop()
    assert set(clients.outcomes) == {"200"}, clients.outcomes


def _replace(pod: Pod, balancer: LoadBalancer) -> list[int]:
    """End a pod, and take it out of the load balancer meanwhile; return its exit statuses."""
    statuses: list[int] = []
    kubelet = threading.Thread(target=lambda: statuses.extend(pod.end()))
    kubelet.start()
    time.sleep(PROPAGATION_DELAY)
    balancer.endpoints = [each for each in balancer.endpoints if each is not pod]
    kubelet.join()
    return statuses
