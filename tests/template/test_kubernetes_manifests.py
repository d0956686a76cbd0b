"""The manifests that kustomize builds are valid, restricted and consistent, for every store."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from harness.config_files import dockerfile_ports, stop_grace_period, stop_timeout
from harness.environment import run
from harness.manifests import (
    Manifest,
    build_manifests,
    kustomize,
    of_kind,
    of_web,
    pod_selectors,
    pod_specs,
    secrets,
    service_ports,
)
from harness.project import CHOICES, Bake, combinations, label
from harness.requirements import require

CACHE_SERVERS = {"memcached": 3, "redis": 1}
# The shortest slug and the longest one.
SLUGS = ("ab", "a" * 40)
OPERATIONS = {"operations", 8081}


@pytest.fixture(scope="module", params=CHOICES["cache_backend"])
def store(request: pytest.FixtureRequest) -> str:
    """Return the cache store of the service."""
    return str(request.param)


@pytest.fixture(scope="module")
def manifests(baked: Bake, store: str) -> list[Manifest]:
    """Return the manifests of a service with this store."""
    return build_manifests(baked(cache_backend=store, service_slug=SLUGS[0]))


@pytest.fixture(scope="module")
def project(baked: Bake) -> Path:
    """Return the default service."""
    return baked()


@pytest.fixture(scope="module")
def pod(project: Path) -> Manifest:
    """Return the specification of the default service's pod."""
    (found,) = pod_specs(build_manifests(project))
    return found


def test_manifests_are_strictly_valid(baked: Bake, tmp_path: Path) -> None:
    """By the schemas of Kubernetes; every variable of the pods is a documented setting."""
    files = []
    for answers in combinations("cache_backend", "auth"):
        for slug in SLUGS:
            project = baked(**answers, service_slug=slug)
            path = tmp_path / f"{label(answers)}-{slug}.yaml"
            path.write_text(kustomize(project), "utf-8")
            files.append(str(path))
            settings = configuration(list(yaml.safe_load_all(path.read_text("utf-8"))))
            documents = [project / name for name in ("README.md", "docs/operations.md")]
            documented = "".join(document.read_text("utf-8") for document in documents)
            names = {name.removesuffix("_FILE") for name in settings}
            assert all(f"| `{name}` |" in documented for name in names)
    run(tmp_path, require("kubernetes-validate"), "--strict", *files)


def test_services_in_one_namespace_are_separate(manifests: list[Manifest]) -> None:
    """Every name and every selector contains the service's own name."""
    assert all(each["metadata"]["name"].startswith(f"{SLUGS[0]}-") for each in manifests)
    selectors = [labels for each in manifests for labels in pod_selectors(each.get("spec", {}))]
    assert len(selectors) >= 5
    assert all(labels["app.kubernetes.io/part-of"] == SLUGS[0] for labels in selectors)


def test_the_settings_lead_to_the_cache(manifests: list[Manifest], store: str) -> None:
    """Hosts and ports in the settings are those of a Service; folders are mounted."""
    settings = " ".join(configuration(manifests).values())
    configured = re.findall(r"[\w.-]+:\d+", settings)
    assert len(configured) == CACHE_SERVERS.get(store, 0)
    assert set(configured) <= cache_addresses(manifests)
    web = of_web(manifests, "Deployment")
    mounted = {
        mount["mountPath"]
        for container in web["spec"]["template"]["spec"]["containers"]
        for mount in container["volumeMounts"]
    }
    for path in re.findall(r"(?:^| )(/\S+)", settings):
        assert any(Path(path).is_relative_to(mount) for mount in mounted)


def configuration(manifests: list[Manifest]) -> dict[str, str]:
    """Return the variables of the ConfigMap and of the Secret."""
    (config_map,) = of_kind(manifests, "ConfigMap")
    return {**config_map["data"], **secrets(manifests)}


def cache_addresses(manifests: list[Manifest]) -> set[str]:
    """Return the addresses of each Service and of each pod of a StatefulSet with three replicas."""
    addresses = set()
    for name, port in service_ports(manifests):
        addresses.add(f"{name}:{port['port']}")
        addresses |= {f"{name}-{number}.{name}:{port['port']}" for number in range(3)}
    return addresses


def test_pods_run_with_the_least_privilege(manifests: list[Manifest]) -> None:
    """More than the restricted profile of the Pod Security Standards demands."""
    for pod in pod_specs(manifests):
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
            limits = {"memory", "ephemeral-storage"}
            assert container["resources"]["requests"].keys() == {"cpu", *limits}
            assert container["resources"]["limits"].keys() == limits


def test_only_the_application_gets_secrets(manifests: list[Manifest], store: str) -> None:
    """A URL that may contain a password is in a file, and nginx does not need it."""
    assert set(secrets(manifests)) == ({"APP_CACHE_URL"} if store == "redis" else set())
    (secret,) = of_kind(manifests, "Secret")
    spec = of_web(manifests, "Deployment")["spec"]["template"]["spec"]
    (volume,) = (each for each in spec["volumes"] if "secret" in each)
    assert volume["secret"]["secretName"] == secret["metadata"]["name"]
    # The user of the image reads it by the group of `fsGroup`; nobody else does.
    assert volume["secret"]["defaultMode"] == 0o440
    paths = {
        each["name"]: mount["mountPath"]
        for each in spec["containers"]
        for mount in each["volumeMounts"]
        if mount["name"] == volume["name"]
    }
    assert paths.keys() == {"app"}
    settings = configuration(manifests)
    for name in secrets(manifests):
        assert settings[f"{name}_FILE"] == f"{paths['app']}/{name}"


def test_secrets_can_come_from_a_file(baked: Bake, tmp_path: Path) -> None:
    """Git ignores the file, and the image does not contain it."""
    project = tmp_path / "service"
    shutil.copytree(baked(cache_backend="redis"), project, symlinks=True)
    kustomization = project / "deploy" / "k8s" / "kustomization.yaml"
    text = kustomization.read_text("utf-8")
    generator = text.index("secretGenerator:")
    text = text[:generator] + re.sub(
        r"literals:\n.*\n", "envs: [.env]\n", text[generator:], count=1
    )
    kustomization.write_text(text, "utf-8")
    kustomization.with_name(".env").write_text("APP_CACHE_URL=redis://:secret@cache\n", "utf-8")
    assert secrets(build_manifests(project)) == {"APP_CACHE_URL": "redis://:secret@cache"}
    assert ".env" in (project / ".gitignore").read_text("utf-8").splitlines()
    assert "**/.env" in (project / ".dockerignore").read_text("utf-8").splitlines()


def test_only_operators_reach_the_operations_port(manifests: list[Manifest]) -> None:
    """No Service offers it, and a network policy restricts who may connect."""
    offered = {port.get("targetPort", port["port"]) for _, port in service_ports(manifests)}
    assert "http" in offered
    assert not OPERATIONS & offered
    policies = of_kind(manifests, "NetworkPolicy")
    rules = [
        rule
        for policy in policies
        for rule in policy["spec"]["ingress"]
        # A rule without ports allows all of them.
        if "ports" not in rule or OPERATIONS & {port["port"] for port in rule["ports"]}
    ]
    assert rules
    assert all(rule["from"] for rule in rules)
    assert all(set(each["spec"]["policyTypes"]) == {"Ingress", "Egress"} for each in policies)


def test_a_pod_cannot_reach_the_metadata_of_a_cloud(manifests: list[Manifest]) -> None:
    """It may hold credentials of the machine. Other addresses are reached by HTTPS only."""
    (policy,) = of_kind([of_web(manifests, "NetworkPolicy")], "NetworkPolicy")
    rules = policy["spec"]["egress"]
    assert all(rule["to"] for rule in rules)
    (outside,) = (rule for rule in rules if any("ipBlock" in to for to in rule["to"]))
    blocks = {to["ipBlock"]["cidr"]: to["ipBlock"]["except"] for to in outside["to"]}
    assert "169.254.0.0/16" in blocks["0.0.0.0/0"]
    assert "fd00:ec2::254/128" in blocks["::/0"]
    assert outside["ports"] == [{"port": 443}]


def test_a_pod_leaves_after_its_replacement_is_ready(manifests: list[Manifest]) -> None:
    """On updates and evictions; both containers first wait until no request arrives any more."""
    web = of_web(manifests, "Deployment")
    assert web["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    (autoscaler,) = of_kind(manifests, "HorizontalPodAutoscaler")
    budget = of_web(manifests, "PodDisruptionBudget")
    assert autoscaler["spec"]["minReplicas"] > budget["spec"]["maxUnavailable"]
    nginx, app = web["spec"]["template"]["spec"]["containers"]
    assert "preStop" in nginx["lifecycle"]
    assert nginx["lifecycle"] == app["lifecycle"]


def test_a_busy_pod_is_not_killed(pod: Manifest) -> None:
    """Only nginx has a liveness probe; a pod that is not ready gets no requests."""
    paths = {
        (container["name"], name): probe["httpGet"]["path"]
        for container in pod["containers"]
        for name, probe in container.items()
        if name.endswith("Probe")
    }
    assert paths == {
        ("nginx", "livenessProbe"): "/livez",
        ("app", "startupProbe"): "/readyz",
        ("app", "readinessProbe"): "/readyz",
    }


def test_ports_and_users_are_those_of_the_image(pod: Manifest, project: Path) -> None:
    """One container runs nginx, the other the application."""
    nginx, app = pod["containers"]
    assert (nginx["args"], app["args"]) == (["nginx"], ["app"])
    ports = tuple(str(port["containerPort"]) for port in nginx["ports"])
    assert ports == dockerfile_ports(project)
    assert app["readinessProbe"]["httpGet"]["port"] == nginx["ports"][0]["containerPort"]
    dockerfile = (project / "Dockerfile").read_text("utf-8")
    user, group = (pod["securityContext"][name] for name in ("runAsUser", "runAsGroup"))
    assert f"-u {user} " in dockerfile
    assert f"\nUSER {user}:{group}\n" in dockerfile


def test_the_grace_period_covers_each_step_of_a_stop(pod: Manifest, project: Path) -> None:
    """Kubernetes and compose wait equally long. The first step takes the place of DRAIN_DELAY."""
    grace = pod["terminationGracePeriodSeconds"]
    assert grace == stop_grace_period(project)
    for container in pod["containers"]:
        (command, pause) = container["lifecycle"]["preStop"]["exec"]["command"]
        assert command == "sleep"
        assert int(pause) + stop_timeout(project) < grace
