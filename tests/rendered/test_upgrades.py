"""A service follows the template: what is new there arrives, and what the team did stays."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import ClassVar

import pytest

from harness.environment import install, run
from harness.project import ROOT, TEMPLATE, Bake, contents, run_cookiecutter, user_config

# The commands of the environment that the tests run in: cookiecutter, cruft.
PATH = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
AUTHOR = {
    f"GIT_{role}_{what}": text
    for role in ("AUTHOR", "COMMITTER")
    for what, text in (("NAME", "A Team"), ("EMAIL", "team@example.com"))
}
VERSION = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))["_version"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")

# The files that a README shows in full, by the path in their first line.
SHOWN = re.compile(r"^```python\n# (\S+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def do(folder: Path, *words: str, **variables: str) -> str:
    """Run a command in `folder` as somebody who may commit, with the template's tools at hand."""
    config = {"COOKIECUTTER_CONFIG": str(user_config())}
    return run(folder, *words, **(AUTHOR | config | {"PATH": PATH} | variables))


def commit(folder: Path, message: str) -> str:
    """Commit all that is in `folder`, and return the commit."""
    do(folder, "git", "add", "--all")
    do(folder, "git", "commit", "--quiet", "--message", message)
    return do(folder, "git", "rev-parse", "HEAD").strip()


def asked(*words: str) -> str:
    """Return what git knows of this repository, nothing if it does not."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def files_of(folder: Path) -> list[str]:
    """Return what git keeps, or would keep, of a folder."""
    words = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return [name for name in run(folder, *words).split("\0") if (folder / name).is_file()]


def copy_template(folder: Path) -> None:
    """Put the template as it is here into `folder`, over what git keeps there."""
    for path in folder.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in files_of(ROOT):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)


def make_older(folder: Path) -> None:
    """Make of the template in `folder` what an earlier version of it may have been."""
    project = folder / TEMPLATE.name
    for name in (
        "Makefile",
        "deploy/nginx.conf",
        "main/application.py",
        "main/resources/defaults.toml",
        "_options/cache_backend/redis/main/util/cache_backend.py",
        "_options/sample_api/yes/main/controller/hello.py",
        "_options/sample_api/yes/main/service/primes.py",
    ):
        path = project / name
        text = path.read_text("utf-8")
        path.write_text(f"# As it was.\n{text}\n# This went.\n", "utf-8")
    (project / ".checkov.yaml").unlink()
    (project / "_options" / "ci" / "gitlab" / "renovate.json").unlink()
    (project / "main" / "util" / "gone.py").write_text('"""What went."""\n', "utf-8")
    (project / "_options" / "cache_backend" / "file" / "gone.txt").write_text("went\n", "utf-8")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository of this template, whose tag `older` is one made of it."""
    folder = tmp_path_factory.mktemp("template")
    do(folder, "git", "init", "--quiet", "--initial-branch", "main")
    copy_template(folder)
    make_older(folder)
    commit(folder, "Older")
    do(folder, "git", "tag", "older")
    copy_template(folder)
    commit(folder, "Newer")
    return folder


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository of this template, whose tag `older` is what was released last.

    As long as nothing was, that is one of its earlier commits.
    """
    tag = asked("describe", "--tags", "--abbrev=0", "--match=v*", "HEAD~1")
    older = asked("rev-parse", "--verify", f"{tag or 'HEAD~12'}^{{commit}}")
    if not older:
        pytest.skip("this checkout has no history")
    folder = tmp_path_factory.mktemp("released")
    do(folder, "git", "clone", "--quiet", str(ROOT), ".")
    do(folder, "git", "checkout", "--quiet", "-B", "main", older)
    do(folder, "git", "tag", "older")
    copy_template(folder)
    commit(folder, "Newer")
    return folder


class Team:
    """Who lives in a service, and changes it."""

    def __init__(self, project: Path) -> None:
        self.project = project
        do(project, "git", "init", "--quiet", "--initial-branch", "main")
        commit(project, "Bake")

    def edit(self, name: str, pattern: str, text: str) -> None:
        """Replace what is found once in a file."""
        path = self.project / name
        edited, count = re.subn(pattern, text, path.read_text("utf-8"), flags=re.MULTILINE)
        assert count == 1, (name, pattern)
        path.write_text(edited, "utf-8")

    def serve(self, *names: str) -> None:
        """Say which endpoints there are."""
        init = "main/controller/__init__.py"
        self.edit(init, r"(?<=import ).*", ", ".join(sorted(names)))
        blueprints = ", ".join(f"{name}.blueprint" for name in names)
        self.edit(init, r"(?<= = )[^=]*\Z", f"({blueprints})\n")
        do(self.project, "ruff", "format", "--quiet", init)

    def add_squares(self) -> None:
        """Add the endpoint that the README shows, and a setting; let nginx take more."""
        shown = dict(SHOWN.findall((TEMPLATE / "README.md").read_text("utf-8")))
        assert len(shown) == 3
        for name, text in shown.items():
            (self.project / name).write_text(text, "utf-8")
        self.serve("health", "hello", "primes", "pages", "squares")
        declared = 'setting("APP_LARGEST", "9", whole(1, 99), "The largest number.")'
        self.edit("main/settings.py", "(?=    log_level)", f"    largest: int = {declared}\n")
        row = "| `APP_LARGEST` | `9` | The largest number. |\n"
        self.edit("README.md", r"(?=\| `APP_LOG_LEVEL`)", row)
        self.edit(".env.example", "(?=APP_LOG_LEVEL)", "APP_LARGEST=9\n")
        self.edit("deploy/nginx.conf", "client_max_body_size [^;]+", "client_max_body_size 2m")
        commit(self.project, "Add squares")

    def delete_sample(self) -> None:
        """Do what the README says about that."""
        do(self.project, "sh", "-ec", deleting(self.project))
        self.serve("health", "squares")
        for variable in ("APP_HELLO_MAX_AGE", "APP_UPSTREAM_URLS"):
            declared = rf'^    \w+: .+ = setting\(\n +"{variable}",(?:\n {{8}}.+)+\n    \)\n'
            self.edit("main/settings.py", declared, "")
            self.edit("README.md", rf"^\| `{variable}`.*\n", "")
            self.edit(".env.example", rf"^{variable}.*\n", "")
        self.edit("main/settings.py", "(?<=setting), urls", "")
        for path in ("/v1/hello", "/v1/primes", "/v1/pages"):
            self.edit("README.md", rf"^\| `\w+ {path}.*\n", "")
        commit(self.project, "Delete the sample")

    # Of the template's files.
    EDITED: ClassVar[set[str]] = {
        ".env.example",
        "README.md",
        "deploy/nginx.conf",
        "main/controller/__init__.py",
        "main/settings.py",
    }


def assert_updated(project: Path, fresh: Path, answered: Collection[str] = ()) -> None:
    """Apart from the team's own work, all is as in what was baked just now; its tests pass."""
    new = contents(fresh)
    held = {name: (project / name).read_bytes() for name in files_of(project)}
    squares = {name for name in held if "squares.py" in name}
    assert len(squares) == 3
    assert set(held) - {".cruft.json"} == set(new) | squares
    assert {name for name in new if held[name] != new[name]} == Team.EDITED | set(answered)
    assert not [name for name, text in held.items() if b"<<<<<<<" in text]
    settings = (project / "main" / "settings.py").read_text("utf-8")
    assert "largest: int" in settings
    install(project)
    do(project, "make", "lint", "test", PATH=os.environ["PATH"])


def create(folder: Path, template: Path, **answers: str) -> Path:
    """Make a service from the older template by `cruft create`."""
    words = ("--no-input", "--checkout", "older", "--extra-context", json.dumps(answers))
    do(folder, "cruft", "create", str(template), *words)
    return folder / "my-service"


@pytest.mark.slow
def test_what_is_new_arrives_and_what_was_deleted_stays_away(
    template: Path, baked: Bake, tmp_path: Path
) -> None:
    """By `cruft update`, in a service whose team wrote, changed and deleted."""
    project = create(tmp_path, template, cache_backend="redis")
    team = Team(project)
    do(project, "cruft", "check", "--checkout", "older")
    with pytest.raises(AssertionError, match="out of date"):
        do(project, "cruft", "check")
    team.add_squares()
    team.delete_sample()
    do(project, "cruft", "update", "--skip-apply-ask")
    do(project, "cruft", "check")
    assert_updated(project, baked(cache_backend="redis", sample_api="no"), {".cookiecutterrc"})


@pytest.mark.slow
def test_an_answer_changes_on_the_way(released: Path, baked: Bake, tmp_path: Path) -> None:
    """From the last release to what is here, and away with the pipeline."""
    project = create(tmp_path, released, cache_backend="file", ci="gitlab")
    Team(project).add_squares()
    answers = {"ci": "none"}
    words = ("--skip-apply-ask", "--variables-to-update", json.dumps(answers))
    do(project, "cruft", "update", *words)
    do(project, "cruft", "check")
    assert_updated(project, baked(cache_backend="file", ci="none"))


@pytest.mark.slow
def test_a_service_is_linked_later(template: Path, baked: Bake, tmp_path: Path) -> None:
    """What cookiecutter made can go on with cruft: the lines of the README do that."""
    project = bake_older(tmp_path, template, ci="gitlab")
    Team(project).add_squares()
    link, _ = upgrading(project)
    do(project, "sh", "-ec", link.replace(f"v{VERSION}", "older"), TEMPLATE=str(template))
    do(project, "cruft", "check")
    assert_updated(project, baked(ci="gitlab"))


@pytest.mark.slow
def test_git_alone_will_do(template: Path, baked: Bake, tmp_path: Path) -> None:
    """The lines of the README merge what is new, and obey another answer."""
    project = bake_older(tmp_path, template, cache_backend="uwsgi")
    team = Team(project)
    team.add_squares()
    team.edit(".cookiecutterrc", 'ci: "github"', 'ci: "none"')
    commit(project, "Do without GitHub")
    _, merge = upgrading(project)
    do(project, "sh", "-ec", merge, TEMPLATE=str(template))
    assert_updated(project, baked(cache_backend="uwsgi", ci="none"))


def bake_older(folder: Path, template: Path, **answers: str) -> Path:
    """Make a service from the older template by `cookiecutter`."""
    given = [f"{question}={answer}" for question, answer in answers.items()]
    words = ("--no-input", "--checkout", "older", f"git+file://{template}", *given)
    do(folder, "cookiecutter", *words)
    return folder / "my-service"


def deleting(project: Path) -> str:
    """Return the lines of the README that delete the sample."""
    readme = (project / "README.md").read_text("utf-8")
    (lines,) = re.findall(r"^```sh\n(rm .*?)^```$", readme, re.MULTILINE | re.DOTALL)
    return str(lines)


def upgrading(project: Path) -> list[str]:
    """Return the lines of the README for an upgrade: with cruft, without."""
    readme = (project / "README.md").read_text("utf-8")
    return [
        each
        for each in re.findall(r"^```sh\n(.*?)^```$", readme, re.M | re.S)
        if "TEMPLATE" in each
    ]


def test_the_changelog_knows_this_version() -> None:
    """It is the newest one there, and each version says what to do after an upgrade."""
    entries = re.split(r"^## \[(.+?)\].*$", CHANGELOG, flags=re.MULTILINE)[1:]
    assert entries[0] == VERSION
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
    assert not [
        name
        for name, text in zip(entries[::2], entries[1::2], strict=True)
        if "### Upgrading" not in text
    ]


def test_answers_are_kept_for_the_next_time(baked: Bake, tmp_path: Path) -> None:
    """Baking from them gives the same, however odd they are."""
    answers = {"service_name": HOSTILE, "description": "👍 " + HOSTILE, "owner": "1. \\u0041"}
    project = baked(service_slug="odd", ci="none", **answers)
    config = str(project / ".cookiecutterrc")
    again = run_cookiecutter("--no-input", "--config-file", config, str(ROOT), cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert contents(tmp_path / "odd") == contents(project)
