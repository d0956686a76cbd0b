"""`make smoke` rejects images that do not serve."""

from pathlib import Path

import pytest

from harness.containers import engine
from harness.containers.docker_command import docker_command
from harness.containers.image import build_image
from harness.containers.resources import resource_name, resource_names, storage_lock
from harness.environment import run
from harness.project import Bake, bake, replace_once

pytestmark = pytest.mark.full

ENTRY_POINTS = {
    "ends at once": '["false"]',
    "never listens": '["/sbin/tini", "--", "sleep", "600"]',
}


@pytest.mark.parametrize("entry_point", ENTRY_POINTS.values(), ids=ENTRY_POINTS)
def test_a_faulty_image_fails_the_smoke_test(baked: Bake, tmp_path: Path, entry_point: str) -> None:
    """The output contains the container's log, and no container is left."""
    engine.engine()
    slug = resource_name()
    project = bake(tmp_path, service_slug=slug)
    replace_once(project / "Makefile", {"timeout 60": "timeout 3"})
    dockerfile = f"FROM {build_image(baked())}\nENTRYPOINT {entry_point}\n"
    (project / "Dockerfile").write_text(dockerfile, "utf-8")
    with docker_command(tmp_path / "bin") as variables:
        with storage_lock():
            run(project, "make", "image", **variables)
        with pytest.raises(AssertionError, match="Smoke test failed"):
            run(project, "make", "smoke", **variables)
    for kind in ("container", "network", "volume"):
        assert resource_names(kind, slug) == []


def test_a_service_passes_the_smoke_test_without_its_issuer(baked: Bake, tmp_path: Path) -> None:
    """With access tokens: CI need not reach the issuer, and no token is valid."""
    engine.engine()
    project = bake(tmp_path, service_slug=resource_name(), auth="jwt")
    (project / "Dockerfile").write_text(f"FROM {build_image(baked(auth='jwt'))}\n", "utf-8")
    with docker_command(tmp_path / "bin") as variables:
        with storage_lock():
            run(project, "make", "image", **variables)
        output = run(project, "make", "smoke", **variables)
    assert '"issuer":"down"' in output
