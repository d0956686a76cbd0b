"""The Kubernetes manifests of a rendered service."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from harness.environment import run
from harness.requirements import require

Manifest = dict[str, Any]
# Fields whose value selects pods by their labels.
SELECTORS = ("selector", "podSelector", "labelSelector")


def kustomize(project: Path) -> str:
    """Return the YAML that `kubectl apply --kustomize deploy/k8s` would apply."""
    return run(project, require("kubectl"), "kustomize", "deploy/k8s")


def build_manifests(project: Path) -> list[Manifest]:
    """Return what `kubectl apply --kustomize deploy/k8s` would apply."""
    return list(yaml.safe_load_all(kustomize(project)))


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    """Return the manifests of these kinds."""
    return [each for each in manifests if each["kind"] in kinds]


def of_web(manifests: list[Manifest], kind: str) -> Manifest:
    """Return the manifest of this kind that belongs to the service itself, not to its cache."""
    (found,) = (
        each for each in of_kind(manifests, kind) if each["metadata"]["name"].endswith("-web")
    )
    return found


def secrets(manifests: list[Manifest]) -> dict[str, str]:
    """Return the files of the Secret."""
    (secret,) = of_kind(manifests, "Secret")
    return {name: base64.b64decode(value).decode() for name, value in secret["data"].items()}


def pod_specs(manifests: list[Manifest]) -> list[Manifest]:
    """Return the specification of each pod."""
    workloads = of_kind(manifests, "Deployment", "StatefulSet")
    return [each["spec"]["template"]["spec"] for each in workloads]


def pod_selectors(value: Any) -> Iterator[dict[str, str]]:
    """Yield the labels of every selector of pods in a manifest or a part of one."""
    if isinstance(value, list):
        for each in value:
            yield from pod_selectors(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name in SELECTORS:
                yield each.get("matchLabels", each)
            elif name != "namespaceSelector":
                yield from pod_selectors(each)


def service_ports(manifests: list[Manifest]) -> list[tuple[str, Manifest]]:
    """Return the name of a Service and the port, for each port of each Service."""
    return [
        (each["metadata"]["name"], port)
        for each in of_kind(manifests, "Service")
        for port in each["spec"]["ports"]
    ]
