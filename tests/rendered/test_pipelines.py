"""The pipelines of both CI providers run every check by make."""

import json
import re
from pathlib import Path

import pytest

from harness.environment import run
from harness.pipelines import GITHUB_FILE, GITLAB_FILE, READERS, SETUP_COMMANDS, Job, load_yaml
from harness.project import Bake

CHECKS = {"install", "lint", "test", "audit", "image", "smoke", "sonar"}


@pytest.fixture(params=READERS)
def ci(request: pytest.FixtureRequest) -> str:
    """Return a CI provider."""
    return str(request.param)


@pytest.fixture
def project(baked: Bake, ci: str) -> Path:
    """Return a service with a pipeline."""
    return baked(ci=ci)


@pytest.fixture
def jobs(project: Path, ci: str) -> dict[str, Job]:
    """Return the jobs of its pipeline."""
    return READERS[ci](project)


def test_every_command_of_a_pipeline_is_a_make_target(project: Path, jobs: dict[str, Job]) -> None:
    """A developer can repeat whatever fails there."""
    known = set(re.findall(r"^  (\S+) ", run(project, "make", "help"), re.MULTILINE))
    commands = [command for job in jobs.values() for command in job.commands()]
    for command in [each for each in commands if each not in SETUP_COMMANDS]:
        make, *targets = command.split()
        assert make == "make"
        assert set(targets) <= known
        assert targets


def test_a_pipeline_runs_every_check(jobs: dict[str, Job]) -> None:
    """Four jobs run all the targets that can fail."""
    assert set(jobs) == {"test", "audit", "build", "sonar"}
    commands = {command for job in jobs.values() for command in job.commands()}
    assert commands - set(SETUP_COMMANDS) == {f"make {target}" for target in CHECKS}


def test_only_the_analysis_waits_for_another_job(jobs: dict[str, Job]) -> None:
    """A new vulnerability in a package must not hide the results of the tests."""
    assert {name: job.needs for name, job in jobs.items() if job.needs} == {"sonar": ["test"]}


def test_the_analysis_reads_the_artifacts_of_the_tests(project: Path, jobs: dict[str, Job]) -> None:
    """Sonar ignores a report that it cannot find, without an error."""
    settings = (project / "sonar-project.properties").read_text("utf-8")
    paths = re.findall(r"^sonar\.python\..*reportPaths?=(.*)$", settings, re.MULTILINE)
    assert paths == jobs["test"].artifacts == ["coverage.xml", "junit.xml"]


def test_without_a_token_the_analysis_is_skipped(baked: Bake) -> None:
    """Forks get no secrets; and no other job sees the token."""
    jobs = load_yaml(baked(ci="github") / GITHUB_FILE)["jobs"]
    assert {step.get("if") for step in jobs.pop("sonar")["steps"]} == {"env.WANTED == 'true'"}
    assert "secrets." not in json.dumps(jobs)
    pipeline = load_yaml(baked(ci="gitlab") / GITLAB_FILE)
    assert pipeline["sonar"]["rules"] == [{"if": "$SONAR_TOKEN"}]


def test_all_jobs_of_gitlab_start_at_once(baked: Bake) -> None:
    """A job of a later stage would wait for all jobs of the earlier one."""
    pipeline = load_yaml(baked(ci="gitlab") / GITLAB_FILE)
    assert not [name for name, job in pipeline.items() if name == "stages" or "stage" in job]


def test_locks_name_the_command_that_wrote_them(baked: Bake) -> None:
    """Dependabot repeats its options; a lock for one platform would not do for others."""
    project = baked()
    compilation = run(project, "make", "--dry-run", "compile")
    locks = sorted(project.glob("requirements*.txt"))
    assert len(locks) == 4
    for lock in locks:
        command = lock.read_text("utf-8").splitlines()[1].removeprefix("#    ")
        assert f'--custom-compile-command "{command}"' in compilation
        assert "--universal --python-version 3.11" in command
