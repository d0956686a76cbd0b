"""A gateway and the Prometheus Operator find the service by the files in deploy/k8s/optional."""

from pathlib import Path

import pytest

from harness.manifests import (
    Manifest,
    build_manifests,
    kustomize,
    of_kind,
    of_web,
    pod_specs,
    service_ports,
)
from harness.project import Bake, patched_copy

FILES = ("optional/httproute.yaml", "optional/podmonitor.yaml")


@pytest.fixture(scope="module")
def manifests(baked: Bake, tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """Return the manifests of a service with all optional files."""
    resources = "".join(f"  - {name}\n" for name in FILES)
    changes = {"resources:\n": f"resources:\n{resources}"}
    copy = tmp_path_factory.mktemp("optional") / "service"
    return build_manifests(patched_copy(baked(), copy, "deploy/k8s/kustomization.yaml", changes))


def test_they_are_all_optional(baked: Bake) -> None:
    """A cluster without the Gateway API or the operator would refuse them."""
    project = baked()
    folder = project / "deploy" / "k8s"
    found = {path.relative_to(folder).as_posix() for path in (folder / "optional").iterdir()}
    assert found == set(FILES)
    built = kustomize(project)
    assert "HTTPRoute" not in built
    assert "PodMonitor" not in built


def test_a_route_leads_to_the_service(manifests: list[Manifest]) -> None:
    """By its name and its public port."""
    route = of_web(manifests, "HTTPRoute")
    backends = [each for rule in route["spec"]["rules"] for each in rule["backendRefs"]]
    offered = {(name, port["port"]) for name, port in service_ports(manifests)}
    assert backends
    assert {(each["name"], each["port"]) for each in backends} <= offered


def test_a_monitor_scrapes_the_operations_port_of_each_pod(manifests: list[Manifest]) -> None:
    """It selects the pods of this service and no others."""
    monitor = of_web(manifests, "PodMonitor")
    template = of_web(manifests, "Deployment")["spec"]["template"]
    assert monitor["spec"]["selector"]["matchLabels"] == template["metadata"]["labels"]
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    (pod,) = pod_specs(manifests)
    ports = {port["name"] for each in pod["containers"] for port in each.get("ports", [])}
    assert endpoint["port"] in ports
    assert endpoint["port"] == "operations"
    assert endpoint["path"] == template["metadata"]["annotations"]["prometheus.io/path"]


def test_every_object_has_the_name_of_the_service(manifests: list[Manifest], baked: Bake) -> None:
    """Names begin with the slug, so that services can share a namespace."""
    prefix = Path(baked()).name
    found = of_kind(manifests, "HTTPRoute", "PodMonitor")
    assert {each["metadata"]["name"] for each in found} == {f"{prefix}-web"}
