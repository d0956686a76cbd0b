"""What the pipelines run: each step, in order, in the shell that it has there, on a real service.

Services outside are stand-ins, see `tests.outside`; containers are those of this machine's engine.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from harness.containers.compose import engine_socket
from harness.containers.image import build_image
from harness.environment import run
from harness.fakes.osv import FakeOSVServer
from harness.fakes.sonar import FakeSonarServer
from harness.project import Bake
from harness.requirements import require

JOBS = {"test", "audit", "build", "sonar"}
# What is no word of make; this machine has it already.
SETUP = {"apk add --no-cache make": "make is not in the image that has docker"}
WHERE_WANTED = "env.WANTED == 'true'"


@dataclass(frozen=True)
class Job:
    """What a job does, whoever runs it."""

    shell: tuple[str, ...]
    scripts: list[tuple[str, dict[str, str]]]  # each with its variables
    needs: list[str]
    gives: list[str]  # files


def of_github(project: Path) -> dict[str, Job]:
    """Return the jobs of the workflow."""
    found = {}
    for name, job in yaml.safe_load((project / WORKFLOW).read_text("utf-8"))["jobs"].items():
        steps: list[dict[str, Any]] = job["steps"]
        given = [step["with"]["path"] for step in steps if "upload-" in step.get("uses", "")]
        found[name] = Job(
            ("bash", "-e"),  # as for a step without `shell`
            [
                (each["run"], job.get("env", {}) | each.get("env", {}))
                for each in steps
                if "run" in each
            ],
            [job["needs"]] if "needs" in job else [],
            "\n".join(given).split(),
        )
    return found


def of_gitlab(project: Path) -> dict[str, Job]:
    """Return the jobs of the pipeline."""
    pipeline = yaml.safe_load((project / ".gitlab-ci.yml").read_text("utf-8"))
    found = {}
    for name, job in pipeline.items():
        if "script" in job:
            variables = pipeline.get(job.get("extends"), {}).get("variables", {})
            lines = "\n".join([*job.get("before_script", []), *job["script"]])
            found[name] = Job(
                ("sh", "-e"),  # bash where the image has it, which can do all that
                [(lines, variables | job.get("variables", {}))],
                job.get("needs", []),
                job.get("artifacts", {}).get("paths", []),
            )
    return found


READERS = {"github": of_github, "gitlab": of_gitlab}
EACH = pytest.mark.parametrize("ci", READERS)


class Pipeline:
    """Runs jobs of a project, each in a folder of its own, after those that it needs."""

    def __init__(self, ci: str, project: Path, folder: Path, settings: dict[str, str]) -> None:
        self.ci, self.project, self.folder = ci, project, folder
        self.settings = settings
        self.jobs = READERS[ci](project)
        self.done: dict[str, Path] = {}

    def run(self, name: str, **variables: str) -> Path:
        """Run a job, unless that is done already, and return the folder it ran in."""
        if name not in self.done:
            job, place = self.jobs[name], self.folder / name
            shutil.copytree(self.project, place, symlinks=True)
            for need in job.needs:
                for file in self.jobs[need].gives:
                    shutil.copy(self.run(need) / file, place)
            for text, given in job.scripts:
                lines = [line for line in text.splitlines() if line not in SETUP]
                script = self.folder / f"{name}.script"
                script.write_text("\n".join(lines), "utf-8")
                told = {key: self._expanded(value, place) for key, value in given.items()}
                # GitLab gives a project's own variables to all jobs.
                ours = self.settings if self.ci == "gitlab" else {}
                run(place, *job.shell, str(script), **(ours | told | variables | {"CI": "true"}))
            self.done[name] = place
        return self.done[name]

    def _expanded(self, value: str, place: Path) -> str:
        known = {"secrets.SONAR_TOKEN != ''": "true"}
        known |= {f"secrets.{name}": text for name, text in self.settings.items()}
        known |= {f"vars.{name}": text for name, text in self.settings.items()}
        value = value.replace("$CI_PROJECT_DIR", str(place))
        return re.sub(r"\$\{\{ (.+?) \}\}", lambda found: known[found[1]], value)


@pytest.fixture(scope="module")
def sonar() -> Iterator[FakeSonarServer]:
    """Run a stand-in for FakeSonarServer."""
    with FakeSonarServer() as server:
        yield server


@pytest.fixture
def flaws() -> Iterator[FakeOSVServer]:
    """Run a stand-in for who knows of flaws."""
    with FakeOSVServer() as server:
        yield server


@pytest.fixture(scope="module", params=READERS)
def pipeline(
    request: pytest.FixtureRequest,
    installed: Bake,
    sonar: FakeSonarServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Pipeline:
    """Return the pipeline of a project that has set it up for FakeSonarServer; one has a volume, too."""
    settings = {"SONAR_TOKEN": sonar.token, "SONAR_HOST_URL": sonar.url}
    store = {"github": "memory", "gitlab": "file"}[request.param]
    project = installed(ci=request.param, cache_backend=store)
    return Pipeline(request.param, project, tmp_path_factory.mktemp("pipeline"), settings)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Yield the variables of a job that has a `docker`.

    It is this machine's engine, and for `docker compose` Docker's own program. podman has names
    of its own for what is built, and no network for a build unless it is told.
    """
    podman = "" if Path(engine.engine()).name == "docker" else "yes"
    shim = tmp_path / "bin" / "docker"
    shim.parent.mkdir()
    shim.write_text(
        "#!/bin/sh\n"
        f'case {podman}$1 in\n  *compose) shift; exec {require("docker-compose")} "$@" ;;\n'
        "  yesbuild) shift 2; name=docker.io/library/$1; shift\n"
        f'    exec {engine.engine()} build --network host --tag "$name" "$@" ;;\n'
        f'  *) exec {engine.engine()} "$@" ;;\nesac\n'
    )
    shim.chmod(0o755)
    with engine_socket() as address:
        path = os.pathsep.join((str(shim.parent), os.environ["PATH"]))
        yield {**engine.variables(), **address, "PATH": path}


def pins(*locks: Path) -> dict[str, str]:
    """Return the versions that are installed here, by name."""
    lines = "\n".join(lock.read_text("utf-8") for lock in locks)
    found = [Requirement(line) for line in re.findall(r"^(\w.*?) \\$", lines, re.MULTILINE)]
    return {
        each.name: str(each.specifier).removeprefix("==")
        for each in found
        if each.marker is None or each.marker.evaluate()
    }


@EACH
def test_every_step_is_a_word_of_make(baked: Bake, ci: str) -> None:
    """So that a failure can be repeated; what else there is has a reason."""
    project = baked(ci=ci)
    known = set(re.findall(r"^  (\S+) ", run(project, "make", "help"), re.MULTILINE))
    jobs = READERS[ci](project)
    assert set(jobs) == JOBS
    for job in jobs.values():
        for line in "\n".join(text for text, _ in job.scripts).splitlines():
            make, *words = line.split()
            assert line in SETUP or (make == "make" and words and set(words) <= known), line


@EACH
def test_no_check_is_left_out(baked: Bake, ci: str) -> None:
    """Each word of make that tells good from bad is there."""
    scripts = [text for job in READERS[ci](baked(ci=ci)).values() for text, _ in job.scripts]
    words = set(re.findall(r"^make (.*)$", "\n".join(scripts), re.MULTILINE))
    assert words == {"install", "lint", "test", "audit", "image", "smoke", "sonar"}


@EACH
def test_a_flaw_holds_up_no_other_job(baked: Bake, ci: str) -> None:
    """What is found by the audit is nobody's fault who changes something else."""
    jobs = READERS[ci](baked(ci=ci))
    assert [name for name, job in jobs.items() if job.needs] == ["sonar"]
    assert jobs["sonar"].needs == ["test"]


def test_no_token_no_analysis(baked: Bake) -> None:
    """Forks are given no secrets: every step of that job is left out, and no other job sees one."""
    workflow = yaml.safe_load((baked(ci="github") / WORKFLOW).read_text("utf-8"))
    jobs = workflow["jobs"]
    assert {step.get("if") for step in jobs.pop("sonar")["steps"]} == {WHERE_WANTED}
    assert "secrets." not in json.dumps(jobs)
    pipeline = yaml.safe_load((baked(ci="gitlab") / ".gitlab-ci.yml").read_text("utf-8"))
    assert pipeline["sonar"]["rules"] == [{"if": "$SONAR_TOKEN"}]


@EACH
def test_the_analysis_is_of_what_the_tests_hand_over(baked: Bake, ci: str) -> None:
    """FakeSonarServer says nothing of a report that is not there: the paths are those of that job."""
    project = baked(ci=ci)
    settings = (project / "sonar-project.properties").read_text("utf-8")
    paths = re.findall(r"^sonar\.python\..*reportPaths?=(.*)$", settings, re.MULTILINE)
    assert paths == READERS[ci](project)["test"].gives


def test_all_jobs_begin_at_once(baked: Bake) -> None:
    """GitLab would have those of a later stage wait for all of the earlier one."""
    pipeline = yaml.safe_load((baked(ci="gitlab") / ".gitlab-ci.yml").read_text("utf-8"))
    assert not [name for name, job in pipeline.items() if name == "stages" or "stage" in job]


def test_locks_say_how_they_were_made(baked: Bake) -> None:
    """Dependabot reads it there, and a lock for one platform would be of no use on the others."""
    project = baked()
    locking = run(project, "make", "--dry-run", "lock")
    locks = sorted(project.glob("requirements*.txt"))
    assert len(locks) == 3
    for lock in locks:
        made_by = lock.read_text("utf-8").splitlines()[1].removeprefix("#    ")
        assert f'--custom-compile-command "{made_by}"' in locking
        assert "--universal --python-version 3.11" in made_by


@pytest.mark.slow
def test_tests(pipeline: Pipeline) -> None:
    """Install, lint, test: the reports that others want are there."""
    folder = pipeline.run("test")
    assert pipeline.jobs["test"].gives == ["coverage.xml", "junit.xml"]
    assert all((folder / name).is_file() for name in pipeline.jobs["test"].gives)


@pytest.mark.slow
def test_audit(pipeline: Pipeline, flaws: FakeOSVServer) -> None:
    """It asks for each version that is locked, of the service and of its tools."""
    folder = pipeline.run("audit", **flaws.variables)
    assert flaws.asked == pins(folder / "requirements.txt", folder / "requirements-dev.txt")
    assert {"flask", "pytest"} <= set(flaws.asked)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["flask", "pytest"])
def test_a_known_flaw_fails_the_audit(installed: Bake, flaws: FakeOSVServer, name: str) -> None:
    """In what runs, and in what tests it."""
    flaws.known[name] = "PYSEC-0000-1"
    with pytest.raises(AssertionError, match=rf"(?s)Found 1 known .*{name} .*PYSEC-0000-1"):
        run(installed(ci="github"), "make", "audit", **flaws.variables)


@pytest.mark.slow
def test_a_requirement_without_hash_fails_the_audit(
    installed: Bake, tmp_path: Path, flaws: FakeOSVServer
) -> None:
    """What was locked by hand may be anything."""
    project = shutil.copytree(installed(ci="github"), tmp_path / "project", symlinks=True)
    with (project / "requirements-dev.txt").open("a", encoding="utf-8") as lock:
        lock.write("humanize==4.0.0\n")
    with pytest.raises(AssertionError, match="humanize"):
        run(project, "make", "audit", **flaws.variables)


@pytest.mark.slow
def test_analysis(pipeline: Pipeline, sonar: FakeSonarServer, tmp_path: Path) -> None:
    """The scanner is told the truth: what it is to read is where it is to look."""
    folder = pipeline.run("sonar", SONAR_USER_HOME=str(tmp_path))
    told = sonar.received
    assert told["sonar.host.url"] == sonar.url
    assert told["sonar.projectKey"] == "my-service"
    assert Path(told["sonar.projectBaseDir"]) == folder
    for name in ("sonar.sources", "sonar.tests"):
        assert (folder / told[name] / "__init__.py").is_file()
    for name in ("sonar.python.coverage.reportPaths", "sonar.python.xunit.reportPath"):
        assert (folder / told[name]).is_file()


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("", "SONAR_TOKEN is not set: the server gives one to each project."),
        ("x", "There is no coverage.xml: make test writes it."),
    ],
    ids=["no token", "no report"],
)
def test_what_an_analysis_lacks_is_said(baked: Bake, token: str, sentence: str) -> None:
    """In one sentence."""
    project = baked(ci="none")
    with pytest.raises(AssertionError) as failure:
        run(project, "make", "--silent", "sonar", SONAR_TOKEN=token)
    said = str(failure.value).splitlines()[1:]
    assert [line for line in said if not line.startswith("make")] == [sentence]


@pytest.mark.slow
def test_the_image_is_built_and_tried(pipeline: Pipeline, engine: dict[str, str]) -> None:
    """By the words of make; nothing is left of it but the image."""
    name = f"test-{os.getpid()}-{pipeline.ci}"
    try:
        pipeline.run("build", IMAGE=name, **engine)
        assert engine.inspect(f"docker.io/library/{name}", "image")
        assert_nothing_is_left()
    finally:
        engine.run("rmi", "--force", name, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "entry", ['["false"]', '["/sbin/tini", "--", "sleep", "600"]'], ids=["dead", "deaf"]
)
def test_an_image_that_does_not_do(
    installed: Bake, tmp_path: Path, engine: dict[str, str], entry: str
) -> None:
    """It fails, says what the container said, and leaves nothing running."""
    project = shutil.copytree(installed(), tmp_path / "project", symlinks=True)
    makefile = project / "Makefile"
    text = makefile.read_text("utf-8")
    assert "timeout 60" in text
    makefile.write_text(text.replace("timeout 60", "timeout 3"), "utf-8")
    dockerfile = f"FROM {build_image(installed())}\nENTRYPOINT {entry}\n"
    (project / "Dockerfile").write_text(dockerfile, "utf-8")
    name = f"test-{os.getpid()}-useless"
    try:
        run(project, "make", "image", IMAGE=name, **engine)
        with pytest.raises(AssertionError, match="The image does not do"):
            run(project, "make", "smoke", IMAGE=name, **engine)
        assert_nothing_is_left()
    finally:
        engine.run("rmi", "--force", name, check=False)


def assert_nothing_is_left() -> None:
    """Look for containers, networks and volumes of a trial."""
    ours = ("--filter", "label=com.docker.compose.project=my-service-smoke", "--quiet")
    assert engine.run("ps", "--all", *ours) == ""
    assert engine.run("network", "ls", *ours) == ""
    assert engine.run("volume", "ls", *ours) == ""
