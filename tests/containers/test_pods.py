"""The pods of deploy/k8s, run by podman, and replaced under load as a Deployment replaces them."""

import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.containers.image import build_image
from harness.containers.load_balancer import LoadBalancer
from harness.containers.pod import Pod
from harness.load import LoadClients
from harness.manifests import manifests
from harness.project import CHOICES, Bake
from harness.waiting import wait_until

pytestmark = pytest.mark.slow

# Seconds after which a cluster's nodes have heard that a pod is about to end.
HEARSAY = 2.0


@pytest.mark.parametrize("store", CHOICES["cache_backend"])
def test_a_pod_serves(baked: Bake, tmp_path: Path, store: str) -> None:
    """Its two containers are one service; servers of its cache are not there, and not missed."""
    project = baked(cache_backend=store)
    alone = store in ("memory", "file", "uwsgi")
    with Pod(manifests(project), build_image(project), tmp_path, "web") as pod:
        assert pod.get("/livez").json() == {"status": "ok"}
        pod.post("/v1/primes", {"numbers": [7]})
        status = pod.get("/readyz").json()["status"]
        assert status == ("ok" if alone else "degraded")
        for _ in range(20):
            answer = pod.post("/v1/primes", {"numbers": [97, 91]})
            assert [each["prime"] for each in answer.json()["numbers"]] == [True, False]
        assert (hits(pod.ops("/metrics").body.decode()) > 0) == alone
        assert b"swagger-ui" in pod.get("/docs/").body
        assert pod.get("/metrics").status == 404
        assert pod.get("/v1/hello?name=you").json() == {"message": "Hello, you!"}
        for member in ("nginx", "app"):
            assert "uid=10001" in pod.execute(member, "id")
            programs = pod.execute(member, "ps", "-o", "args")
            assert ("nginx: master" in programs) == (member == "nginx")
            assert ("uwsgi" in programs) == (member == "app")


def test_a_rolling_update(baked: Bake, tmp_path: Path) -> None:
    """Two pods are replaced one after the other, and no request fails."""
    project = baked()
    found = manifests(project)
    (settings,) = (each for each in found if each["kind"] == "ConfigMap")
    settings["data"]["APP_HELLO_MAX_AGE"] = "0"  # each request is for the application
    image = build_image(project)
    with ExitStack() as stack:
        olds = [stack.enter_context(Pod(found, image, tmp_path, f"old-{n}")) for n in range(2)]
        balancer = stack.enter_context(LoadBalancer())
        balancer.endpoints = [*olds]
        clients = LoadClients(balancer)
        wait_until(lambda: clients.outcomes["200"] >= 200)
        for number, old in enumerate(olds):
            new = stack.enter_context(Pod(found, image, tmp_path, f"new-{number}"))
            balancer.endpoints = [*balancer.endpoints, new]
            ended: list[int] = []
            kubelet = threading.Thread(target=lambda: ended.extend(old.end()))  # noqa: B023
            kubelet.start()
            time.sleep(HEARSAY)
            balancer.endpoints = [each for each in balancer.endpoints if each is not old]
            kubelet.join()
            assert ended == [0, 0]
        before = clients.outcomes["200"]
        wait_until(lambda: clients.outcomes["200"] >= before + 200)
        clients.stop()
    assert set(clients.outcomes) == {"200"}, clients.outcomes
