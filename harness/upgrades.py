"""Repositories of the template and of services that follow it, for tests of upgrades."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from harness.environment import install, run
from harness.project import ROOT, TEMPLATE, contents, user_config
from harness.readme import write_shown_files

# Tag of the version that services are baked from.
OLDER = "older"
# The environment of this process has the template's tools: cookiecutter and cruft.
PATH = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
AUTHOR = {
    f"GIT_{role}_{field}": text
    for role in ("AUTHOR", "COMMITTER")
    for field, text in (("NAME", "A Team"), ("EMAIL", "team@example.com"))
}
# Files of the template that differ in the older version, in which others are missing or added.
CHANGED_FILES = (
    ".env.example",
    "Makefile",
    "deploy/nginx.conf",
    "_options/auth/none/main/application.py",
    "main/resources/flask.toml",
    "_options/cache_backend/redis/main/util/cache/backend.py",
    "_options/auth+sample_api/none+yes/main/controller/hello.py",
    "_options/sample_api/yes/main/controller/__init__.py",
    "_options/sample_api/yes/main/service/primes.py",
    "_options/sample_api/yes/main/settings.py",
)
MISSING_FILES = (".checkov.yaml", "_options/ci/gitlab/renovate.json")
ADDED_FILES = ("main/util/gone.py", "_options/cache_backend/file/gone.txt")


def run_tool(folder: Path, *command: str, **variables: str) -> str:
    """Run git or one of the template's tools as a team's developer; return the output."""
    config = {"COOKIECUTTER_CONFIG": str(user_config())}
    return run(folder, *command, **(AUTHOR | config | {"PATH": PATH} | variables))


def commit_all(folder: Path, message: str) -> None:
    """Commit every change in `folder`."""
    run_tool(folder, "git", "add", "--all")
    run_tool(folder, "git", "commit", "--quiet", "--message", message)


def tracked_files(folder: Path) -> list[str]:
    """Return the files that git keeps, or would keep after `git add`."""
    command = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return [name for name in run(folder, *command).split("\0") if (folder / name).is_file()]


def edited_template(folder: Path) -> Path:
    """Make a repository of this template; its tag OLDER is a version with other files."""
    run_tool(folder, "git", "init", "--quiet", "--initial-branch", "main")
    _copy_template(folder)
    for name in CHANGED_FILES:
        path = folder / TEMPLATE.name / name
        path.write_text(f"# Older.\n{path.read_text('utf-8')}\n\n# Removed later.\n", "utf-8")
    for name in MISSING_FILES:
        (folder / TEMPLATE.name / name).unlink()
    for name in ADDED_FILES:
        (folder / TEMPLATE.name / name).write_text('"""Removed later."""\n', "utf-8")
    commit_all(folder, "Older")
    run_tool(folder, "git", "tag", OLDER)
    _copy_template(folder)
    commit_all(folder, "Newer")
    return folder


def released_template(folder: Path) -> Path | None:
    """Clone this template; its tag OLDER is the last release, or else the last commit but one.

    Returns None if this checkout has no history.
    """
    tag = _git("describe", "--tags", "--abbrev=0", "--match=v*", "HEAD~1")
    older = _git("rev-parse", "--verify", f"{tag or 'HEAD~1'}^{{commit}}")
    if not older:
        return None
    run_tool(folder, "git", "clone", "--quiet", str(ROOT), ".")
    run_tool(folder, "git", "checkout", "--quiet", "-B", "main", older)
    run_tool(folder, "git", "tag", OLDER)
    _copy_template(folder)
    # Nothing may have changed since.
    (folder / "newer.txt").touch()
    commit_all(folder, "Newer")
    return folder


def _git(*arguments: str) -> str:
    """Return what git says about this repository, or "" if it fails."""
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def _copy_template(folder: Path) -> None:
    """Replace the working tree of `folder` by the template as it is here."""
    for path in folder.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in tracked_files(ROOT):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)


class ServiceRepository:
    """The repository of a baked service, and the work of its team."""

    # Files of the template that the team edits.
    EDITED_FILES = (
        ".env.example",
        "README.md",
        "deploy/nginx.conf",
        "main/controller/__init__.py",
        "main/settings.py",
    )

    def __init__(self, project: Path) -> None:
        self.project = project
        self.edited_files = set(self.EDITED_FILES)
        run_tool(project, "git", "init", "--quiet", "--initial-branch", "main")
        commit_all(project, "Bake")

    def add_books(self) -> None:
        """Add the endpoint that the README shows and a setting; change a limit of nginx."""
        assert write_shown_files(self.project) == 3
        controllers = "main/controller/__init__.py"
        self.edit(controllers, "(?<=^from main.controller import )", "books, ")
        self.edit(controllers, r"^    primes.blueprint,$", r"\g<0>\n    books.blueprint,")
        declaration = 'setting("APP_LARGEST", "9", integer(1, 99), "The largest number.")'
        self.edit(
            "main/settings.py", "(?=    hello_max_age:)", f"    largest: int = {declaration}\n"
        )
        row = "| `APP_LARGEST` | `9` | The largest number. |\n"
        self.edit("README.md", r"(?=\| `APP_LOG_LEVEL`)", row)
        self.edit(".env.example", "(?=APP_LOG_LEVEL)", "APP_LARGEST=9\n")
        self.edit("deploy/nginx.conf", "keepalive_timeout [^;]+", "keepalive_timeout 60s")
        commit_all(self.project, "Add books")

    def delete_sample(self) -> None:
        """Delete the sample as the README says."""
        install(self.project)
        run(self.project, "make", "delete-sample")
        commit_all(self.project, "Delete the sample")
        # It keeps the answer of the sample.
        self.edited_files.add(".cookiecutterrc")

    def edit(self, name: str, pattern: str, replacement: str) -> None:
        """Replace the one match of `pattern` in a file."""
        path = self.project / name
        text, count = re.subn(pattern, replacement, path.read_text("utf-8"), flags=re.MULTILINE)
        assert count == 1, (name, pattern)
        path.write_text(text, "utf-8")

    def assert_updated(self, fresh: Path) -> None:
        """Assert that, apart from the team's own work, the service is like `fresh`."""
        new = contents(fresh)
        kept = {name: (self.project / name).read_bytes() for name in tracked_files(self.project)}
        books = {name for name in kept if "books.py" in name}
        assert len(books) == 3
        assert set(kept) - {".cruft.json"} == set(new) | books
        edited = {name for name, content in new.items() if kept[name] != content}
        assert edited == self.edited_files, edited
        assert not [name for name, content in kept.items() if b"<<<<<<<" in content]
        assert b"largest: int" in kept["main/settings.py"]

    def assert_passes_its_checks(self) -> None:
        """Install the service unless it is; assert that `make lint test` succeeds."""
        if not (self.project / ".venv").exists():
            install(self.project)
        run(self.project, "make", "lint", "test")
