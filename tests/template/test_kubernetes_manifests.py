"""The manifests in deploy/k8s: what kustomize makes of them, for each store."""

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.config_files import compose_service, nginx_numbers
from harness.environment import run, virtual_environment
from harness.manifests import Manifest, build_manifests, of_kind, pod_specs
from harness.project import CHOICES, Bake, combinations, label
from harness.requirements import require

STORES = pytest.mark.parametrize("store", CHOICES["cache_backend"])


def selectors(value: Any) -> list[dict[str, str]]:
    """Return the labels that select pods, wherever they stand."""
    if isinstance(value, list):
        return [labels for each in value for labels in selectors(each)]
    if not isinstance(value, dict):
        return []
    found = []
    for name, each in value.items():
        if name in ("selector", "podSelector", "labelSelector"):
            found.append(each.get("matchLabels", each))
        elif name != "namespaceSelector":
            found.extend(selectors(each))
    return found


@pytest.mark.parametrize("slug", ["my-service", "a" * 40])
@pytest.mark.parametrize("answers", combinations("cache_backend", "sample_api"), ids=label)
def test_they_are_valid(baked: Bake, tmp_path: Path, answers: dict[str, str], slug: str) -> None:
    """By the schemas of Kubernetes, strictly; and the settings are those of the service."""
    project = baked(**answers, service_slug=slug)
    built = tmp_path / "built.yaml"
    built.write_text(run(project, require("kubectl"), "kustomize", "deploy/k8s"), "utf-8")
    run(project, require("kubernetes-validate"), "--strict", str(built))
    (settings,) = of_kind(list(yaml.safe_load_all(built.read_text("utf-8"))), "ConfigMap")
    readme = (project / "README.md").read_text("utf-8")
    assert all(f"| `{name}` |" in readme for name in settings["data"])


@STORES
def test_services_in_one_namespace_do_not_meet(baked: Bake, store: str) -> None:
    """Every name and every selector says whose it is."""
    found = build_manifests(baked(cache_backend=store, service_slug="quotes"))
    assert all(each["metadata"]["name"].startswith("quotes-") for each in found)
    selecting = [labels for each in found for labels in selectors(each.get("spec", {}))]
    assert len(selecting) >= 5
    assert all(labels["app.kubernetes.io/part-of"] == "quotes" for labels in selecting)


@STORES
def test_the_cache_is_where_the_service_looks(baked: Bake, store: str) -> None:
    """Hosts and ports in the settings are those of a Service; folders are mounted."""
    found = build_manifests(baked(cache_backend=store, service_slug="quotes"))
    (settings,) = of_kind(found, "ConfigMap")
    hosts = {
        f"{prefix}{each['metadata']['name']}:{port['port']}"
        for each in of_kind(found, "Service")
        for port in each["spec"]["ports"]
        for prefix in ("", *(f"{each['metadata']['name']}-{number}." for number in range(3)))
    }
    told = " ".join(settings["data"].values())
    asked = re.findall(r"[\w.-]+:\d+", told)
    assert len(asked) == {"memcached": 3, "redis": 1}.get(store, 0)
    assert set(asked) <= hosts
    (web,) = of_kind(found, "Deployment")[-1:]
    mounted = {
        mount["mountPath"]
        for container in web["spec"]["template"]["spec"]["containers"]
        for mount in container["volumeMounts"]
    }
    assert set(re.findall(r"(?:^| )(/\S+)", told)) <= mounted


@STORES
def test_pods_may_do_nothing_but_their_work(baked: Bake, store: str) -> None:
    """As the restricted profile of the Pod Security Standards has it, and a bit more."""
    for pod in pod_specs(build_manifests(baked(cache_backend=store))):
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]


@STORES
def test_the_operations_port_is_for_who_operates(baked: Bake, store: str) -> None:
    """No Service has it, and the network lets nobody else in."""
    found = build_manifests(baked(cache_backend=store))
    offered = [
        port.get("targetPort", port["port"])
        for each in of_kind(found, "Service")
        for port in each["spec"]["ports"]
    ]
    assert "http" in offered
    assert not {"operations", 8081} & set(offered)
    rules = [
        rule
        for each in of_kind(found, "NetworkPolicy")
        for rule in each["spec"]["ingress"]
        if {"operations", 8081} & {port["port"] for port in rule.get("ports", [{"port": 8081}])}
    ]
    assert rules
    assert all(rule["from"] for rule in rules)
    for policy in of_kind(found, "NetworkPolicy"):
        assert set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}


@STORES
def test_a_pod_leaves_when_another_is_there(baked: Bake, store: str) -> None:
    """On an update and on a move; both of its containers wait until nobody asks them any more."""
    found = build_manifests(baked(cache_backend=store))
    (web,) = of_kind(found, "Deployment")[-1:]
    assert web["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    (scale,) = of_kind(found, "HorizontalPodAutoscaler")
    (budget,) = of_kind(found, "PodDisruptionBudget")[-1:]
    assert scale["spec"]["minReplicas"] > budget["spec"]["maxUnavailable"]
    front, app = web["spec"]["template"]["spec"]["containers"]
    assert "preStop" in front["lifecycle"]
    assert front["lifecycle"] == app["lifecycle"]


def test_a_busy_pod_is_not_killed(baked: Bake) -> None:
    """Only a dead nginx is; who is not ready is asked nothing."""
    (pod,) = pod_specs(build_manifests(baked()))
    front, app = pod["containers"]
    paths = {
        (container["name"], name): probe["httpGet"]["path"]
        for container in (front, app)
        for name, probe in container.items()
        if name.endswith("Probe")
    }
    assert paths == {
        ("nginx", "livenessProbe"): "/livez",
        ("app", "startupProbe"): "/readyz",
        ("app", "readinessProbe"): "/readyz",
    }


def test_they_agree_with_the_other_files(baked: Bake) -> None:
    """Ports, users and times are those of the image, of compose and of nginx."""
    project = baked()
    (pod,) = pod_specs(build_manifests(project))
    image = (project / "Dockerfile").read_text("utf-8")
    exposed = re.findall(r"^EXPOSE (\d+) (\d+)$", image, re.MULTILINE)
    front, app = pod["containers"]
    ports = [str(port["containerPort"]) for port in front["ports"]]
    assert [tuple(ports)] == exposed
    user, group = (pod["securityContext"][name] for name in ("runAsUser", "runAsGroup"))
    assert f"-u {user} " in image
    assert f"\nUSER {user}:{group}\n" in image
    assert (front["args"], app["args"]) == (["nginx"], ["app"])
    assert app["readinessProbe"]["httpGet"]["port"] == front["ports"][0]["containerPort"]
    grace = pod["terminationGracePeriodSeconds"]
    assert f"{grace}s" == compose_service(project)["stop_grace_period"]
    (_, pause) = front["lifecycle"]["preStop"]["exec"]["command"]
    (drain,) = nginx_numbers(project, "worker_shutdown_timeout")
    assert int(pause) + drain < grace


@pytest.mark.slow
@pytest.mark.parametrize("answers", combinations("cache_backend", "ci"), ids=label)
def test_scanners_find_nothing(baked: Bake, tmp_path: Path, answers: dict[str, str]) -> None:
    """What checkov complains of is mended, or explained in its own file."""
    checkov = virtual_environment(Path(__file__).with_name("checkov.txt")) / "bin" / "checkov"
    # It calls kubectl, and says nothing of manifests that cannot be built.
    path = os.pathsep.join((str(Path(require("kubectl")).parent), os.environ["PATH"]))
    project = shutil.copytree(baked(**answers), tmp_path / "service")
    found = run(project, str(checkov), "--directory", ".", PATH=path)
    passed = dict(re.findall(r"^(\w+) scan results:\s+Passed checks: (\d+),", found, re.MULTILINE))
    pipeline = {"github": {"github_actions"}, "gitlab": {"gitlab_ci"}, "none": set()}
    assert set(passed) == {"dockerfile", "kustomize"} | pipeline[answers["ci"]]
    assert min(map(int, passed.values())) >= 10
