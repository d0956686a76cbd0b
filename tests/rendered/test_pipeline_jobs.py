"""The jobs of both pipelines succeed, run script by script on this machine.

OSV and Sonar are fakes; containers are those of this machine's engine.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from harness.containers import engine
from harness.containers.docker_command import docker_command
from harness.containers.resources import resource_name, resource_names, storage_lock
from harness.fakes.osv import FakeOSVServer
from harness.fakes.sonar import FakeSonarServer
from harness.pipelines import READERS, Pipeline
from harness.project import Bake, bake

pytestmark = pytest.mark.full

# One store needs a volume, too.
STORES = {"github": "memory", "gitlab": "file"}


@pytest.fixture(scope="module")
def sonar() -> Iterator[FakeSonarServer]:
    """Run a fake of SonarQube."""
    with FakeSonarServer() as server:
        yield server


@pytest.fixture(scope="module", params=READERS)
def pipeline(
    request: pytest.FixtureRequest,
    baked: Bake,
    sonar: FakeSonarServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Pipeline:
    """Return the pipeline of a service whose team has stored the address of Sonar."""
    project = baked(ci=request.param, cache_backend=STORES[request.param])
    folder = tmp_path_factory.mktemp("pipeline")
    secrets = {"SONAR_TOKEN": sonar.token, "SONAR_HOST_URL": sonar.url}
    return Pipeline(request.param, project, folder, **secrets)


def test_the_test_job_writes_its_artifacts(pipeline: Pipeline) -> None:
    """It installs, lints and tests."""
    checkout = pipeline.run("test")
    assert all((checkout / name).is_file() for name in pipeline.jobs["test"].artifacts)


def test_the_audit_job_queries_every_locked_version(pipeline: Pipeline) -> None:
    """This includes the tools for development."""
    with FakeOSVServer() as osv:
        checkout = pipeline.run("audit", **osv.variables)
    locks = [lock for lock in checkout.glob("requirements*.txt") if "tools" not in lock.name]
    assert len(locks) == 3
    assert osv.queried == _pins(*locks)
    assert {"flask", "pytest", "uv"} <= set(osv.queried)


def _pins(*locks: Path) -> dict[str, str]:
    """Return the locked versions that this Python installs, by name."""
    lines = "\n".join(lock.read_text("utf-8") for lock in locks)
    requirements = [Requirement(line) for line in re.findall(r"^(\w.*?) \\$", lines, re.MULTILINE)]
    return {
        requirement.name: str(requirement.specifier).removeprefix("==")
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate()
    }


def test_the_sonar_job_sends_paths_that_exist(
    pipeline: Pipeline, sonar: FakeSonarServer, tmp_path: Path
) -> None:
    """Sources, tests and reports lie where the scanner looks for them."""
    checkout = pipeline.run("sonar", SONAR_USER_HOME=str(tmp_path))
    received = sonar.received
    assert received["sonar.host.url"] == sonar.url
    assert received["sonar.projectKey"] == "my-service"
    assert Path(received["sonar.projectBaseDir"]) == checkout
    for folder in (*received["sonar.sources"].split(","), received["sonar.tests"]):
        assert list((checkout / folder).glob("*.py"))
    for name in ("sonar.python.coverage.reportPaths", "sonar.python.xunit.reportPath"):
        assert (checkout / received[name]).is_file()


@pytest.mark.parametrize("ci", READERS)
def test_the_build_job_builds_a_working_image(tmp_path: Path, ci: str) -> None:
    """Nothing but the image is left."""
    engine.engine()
    slug = resource_name(ci)
    project = bake(tmp_path, service_slug=slug, ci=ci, cache_backend=STORES[ci])
    pipeline = Pipeline(ci, project, tmp_path / "pipeline")
    with docker_command(tmp_path / "bin") as variables, storage_lock():
        pipeline.run("build", **variables)
    assert len(resource_names("image", slug)) == 1
    for kind in ("container", "network", "volume"):
        assert resource_names(kind, slug) == []
