"""Run a rendered service's pods by `podman play kube`, as a cluster would."""

import copy
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from harness.containers import engine
from harness.containers.resources import resource_name, resource_names
from harness.http import ServiceClient
from harness.manifests import Manifest, of_kind, secrets
from harness.waiting import wait_until


class Pod(ServiceClient):
    """A context in which one pod of the web Deployment runs and is ready."""

    def __init__(self, manifests: list[Manifest], image: str, folder: Path) -> None:
        super().__init__()
        engine.require_podman()
        name = resource_name()
        (config_map,) = of_kind(manifests, "ConfigMap")
        (deployment,) = (
            copy.deepcopy(each)
            for each in of_kind(manifests, "Deployment")
            if each["metadata"]["name"].endswith("-web")
        )
        deployment["metadata"]["name"] = name
        self.spec = deployment["spec"]["template"]["spec"]
        for each in self.spec["containers"]:
            each |= {"image": image, "imagePullPolicy": "Never"}
            # Publish the ports on this machine instead of the pod's own address.
            for port in each.get("ports", []):
                port["hostPort"] = self.port if port["name"] == "http" else self.ops_port
        # podman does not read a Secret from a file: write its files, and mount their folder.
        secret_files = folder / name
        secret_files.mkdir()
        for key, value in secrets(manifests).items():
            (secret_files / key).write_text(value, "utf-8")
        for each in self.spec["volumes"]:
            if each.pop("secret", None):
                each["hostPath"] = {"path": str(secret_files)}
        # podman shares volumes of one name between pods; a cluster does not.
        self.volumes = {each["name"]: f"{name}-{each['name']}" for each in self.spec["volumes"]}
        mounts = [each for member in self.spec["containers"] for each in member["volumeMounts"]]
        for each in (*self.spec["volumes"], *mounts):
            each["name"] = self.volumes[each["name"]]
        self.name = name
        self.file = folder / f"{name}.json"
        self.file.write_text("\n---\n".join(map(json.dumps, (config_map, deployment))), "utf-8")

    def __enter__(self) -> Self:
        try:
            engine.run("play", "kube", str(self.file))
            # podman appends "-pod", and older versions a number as well.
            (self.name,) = resource_names("pod", self.name)
            wait_until(self.is_ready)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def execute(self, member: str, *arguments: str) -> str:
        """Run a command in one of the pod's containers; return its output."""
        return engine.run("exec", f"{self.name}-{member}", *arguments)

    def end(self) -> list[int]:
        """End the pod as a kubelet does; return the exit statuses of its containers."""
        with ThreadPoolExecutor() as executor:
            return list(executor.map(self._end, self.spec["containers"]))

    def _end(self, member: Manifest) -> int:
        started = time.monotonic()
        self.execute(member["name"], *member["lifecycle"]["preStop"]["exec"]["command"])
        elapsed = int(time.monotonic() - started)
        name = f"{self.name}-{member['name']}"
        grace = self.spec["terminationGracePeriodSeconds"] - elapsed
        engine.run("stop", "--time", str(grace), name)
        return int(engine.inspect(name)["State"]["ExitCode"])

    def __exit__(self, *_: object) -> None:
        engine.run("pod", "kill", self.name, check=False)
        engine.run("pod", "rm", "--force", self.name, check=False)
        engine.run("volume", "rm", "--force", *self.volumes.values(), check=False)
