"""The Kubernetes manifests of a rendered service."""

from pathlib import Path
from typing import Any

import yaml

from harness.environment import run
from harness.requirements import require

Manifest = dict[str, Any]


def build_manifests(project: Path) -> list[Manifest]:
    """Return what `kubectl apply --kustomize deploy/k8s` would apply."""
    return list(yaml.safe_load_all(run(project, require("kubectl"), "kustomize", "deploy/k8s")))


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    """Return the manifests of these kinds."""
    return [each for each in manifests if each["kind"] in kinds]


def pod_specs(manifests: list[Manifest]) -> list[Manifest]:
    """Return the specification of each pod."""
    workloads = of_kind(manifests, "Deployment", "StatefulSet")
    return [each["spec"]["template"]["spec"] for each in workloads]
