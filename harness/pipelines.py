"""Read the pipelines of rendered services, and run their jobs on this machine."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.environment import run
from harness.project import BUILD

GITHUB_FILE = ".github/workflows/ci.yml"
GITLAB_FILE = ".gitlab-ci.yml"
# Commands that install what this machine already has, and the reason why a job needs them.
SETUP_COMMANDS = {"apk add --no-cache make": "the image with docker has no make"}
# GitLab restores this folder of a project before each job.
CACHE = BUILD / "gitlab-cache"


@dataclass(frozen=True)
class Job:
    """A job of either pipeline: what it runs, after which jobs, and which files it hands on."""

    interpreter: tuple[str, ...]
    # Each with its environment variables.
    scripts: list[tuple[str, dict[str, str]]]
    needs: list[str]
    artifacts: list[str]

    def commands(self) -> list[str]:
        """Return the lines of all scripts."""
        return "\n".join(script for script, _ in self.scripts).splitlines()


def load_yaml(path: Path) -> dict[str, Any]:
    """Return the content of a pipeline file."""
    loaded = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def github_jobs(project: Path) -> dict[str, Job]:
    """Return the jobs of the GitHub workflow by name."""
    jobs = {}
    for name, job in load_yaml(project / GITHUB_FILE)["jobs"].items():
        steps: list[dict[str, Any]] = job["steps"]
        uploads = [step["with"]["path"] for step in steps if "upload-" in step.get("uses", "")]
        jobs[name] = Job(
            # GitHub's default.
            interpreter=("bash", "-e"),
            scripts=[
                (step["run"], job.get("env", {}) | step.get("env", {}))
                for step in steps
                if "run" in step
            ],
            needs=[job["needs"]] if "needs" in job else [],
            artifacts="\n".join(uploads).split(),
        )
    return jobs


def gitlab_jobs(project: Path) -> dict[str, Job]:
    """Return the jobs of the GitLab pipeline by name."""
    pipeline = load_yaml(project / GITLAB_FILE)
    jobs = {}
    for name, job in pipeline.items():
        if "script" in job:
            inherited = pipeline.get(job.get("extends"), {}).get("variables", {})
            script = "\n".join([*job.get("before_script", []), *job["script"]])
            jobs[name] = Job(
                # The least that an image has: GitLab takes bash if it is there.
                interpreter=("sh", "-e"),
                scripts=[(script, inherited | job.get("variables", {}))],
                needs=job.get("needs", []),
                artifacts=job.get("artifacts", {}).get("paths", []),
            )
    return jobs


READERS = {"github": github_jobs, "gitlab": gitlab_jobs}


class Pipeline:
    """Runs jobs in new checkouts of a project, each after the jobs that it needs.

    `secrets` are what the team has stored at the CI provider.
    """

    def __init__(self, ci: str, project: Path, folder: Path, **secrets: str) -> None:
        self.ci = ci
        self.project = project
        self.folder = folder
        self.secrets = secrets
        self.jobs = READERS[ci](project)
        self._checkouts: dict[str, Path] = {}

    def run(self, name: str, **variables: str) -> Path:
        """Run a job, unless it has run already; return its checkout."""
        if name not in self._checkouts:
            job = self.jobs[name]
            checkout = self.folder / name
            shutil.copytree(self.project, checkout)
            if self.ci == "gitlab":
                CACHE.mkdir(parents=True, exist_ok=True)
                (checkout / ".cache").symlink_to(CACHE)
            for needed in job.needs:
                for artifact in self.jobs[needed].artifacts:
                    shutil.copy(self.run(needed) / artifact, checkout)
            for script, given in job.scripts:
                self._run_script(job, checkout, script, given | variables)
            self._checkouts[name] = checkout
        return self._checkouts[name]

    def _run_script(self, job: Job, checkout: Path, script: str, variables: dict[str, str]) -> None:
        lines = [line for line in script.splitlines() if line not in SETUP_COMMANDS]
        path = self.folder / f"{checkout.name}.sh"
        path.write_text("\n".join(lines), "utf-8")
        expanded = {name: self._expand(value, checkout) for name, value in variables.items()}
        # GitLab passes a project's variables to every job.
        given = self.secrets if self.ci == "gitlab" else {}
        environment = {**given, **expanded, "CI": "true"}
        run(checkout, *job.interpreter, str(path), **environment)

    def _expand(self, value: str, checkout: Path) -> str:
        known = {"secrets.SONAR_TOKEN != ''": "true"}
        for name, text in self.secrets.items():
            known |= {f"secrets.{name}": text, f"vars.{name}": text}
        value = value.replace("$CI_PROJECT_DIR", str(checkout))
        return re.sub(r"\$\{\{ (.+?) \}\}", lambda match: known[match[1]], value)
