"""Lock files are complete, pinned by hash and the same for every machine."""

import json
import re
from pathlib import Path

import pytest

from harness.project import ROOT, TEMPLATE

LOCKS = [
    *sorted((ROOT / "requirements").glob("*.txt")),
    *sorted(TEMPLATE.rglob("requirements*.txt")),
]
EVERY_LOCK = pytest.mark.parametrize(
    "lock", LOCKS, ids=[path.relative_to(ROOT).as_posix()[-40:] for path in LOCKS]
)
SERVICE_LOCKS = sorted(TEMPLATE.glob("_options/auth+cache_backend/*/requirements.txt"))
TYPESCRIPT = ROOT / "harness" / "apps" / "typescript"
# A name occurs twice where versions of Python need different versions of a package.
PIN = re.compile(r"^([\w.-]+)==(\S+).*\\\n(?:    --hash=sha256:[0-9a-f]{64}.*\n)+", re.MULTILINE)


def text(path: Path) -> str:
    """Return the file's text."""
    return path.read_text("utf-8")


def versions(lock: Path) -> dict[str, set[str]]:
    """Return the pinned versions of each package."""
    pinned: dict[str, set[str]] = {}
    for package, version in PIN.findall(text(lock)):
        pinned.setdefault(package, set()).add(version)
    return pinned


def test_every_source_has_a_lock_and_every_lock_a_source() -> None:
    """`make lock` writes NAME.txt from NAME.in."""
    folders = {path.parent for path in LOCKS}
    sources = {path for folder in folders for path in folder.glob("*.in")}
    assert {path.with_suffix(".txt") for path in sources} == set(LOCKS)


@EVERY_LOCK
def test_a_lock_contains_every_requirement_of_its_source(lock: Path) -> None:
    """Installing it needs nothing else."""
    required = {
        re.split(r"[^\w.-]", line)[0].lower()
        for line in text(lock.with_suffix(".in")).splitlines()
        if not line.startswith("#")
    }
    assert required - {""} <= versions(lock).keys()


@EVERY_LOCK
def test_a_lock_consists_of_pins_with_hashes(lock: Path) -> None:
    """Every other line is a comment: no options, paths or addresses."""
    assert re.sub(r"^ *#.*\n", "", PIN.sub("", text(lock)), flags=re.MULTILINE) == ""


@EVERY_LOCK
def test_a_lock_names_no_host_and_no_path(lock: Path) -> None:
    """Not even in a comment, so that it is the same on every machine."""
    assert not re.search(r"://|@|\s[~/]|[A-Za-z]:\\", text(lock))


def test_the_lock_of_npm_has_hashes_and_names_no_host() -> None:
    """The registry is the one that the user configured."""
    lock = text(TYPESCRIPT / "package-lock.json")
    locked = {name: entry for name, entry in json.loads(lock)["packages"].items() if name}
    wanted = json.loads(text(TYPESCRIPT / "package.json"))
    dependencies = {**wanted.get("dependencies", {}), **wanted.get("devDependencies", {})}
    assert {f"node_modules/{name}" for name in dependencies} <= locked.keys()
    assert all(entry["integrity"] for entry in locked.values())
    assert not [name for name, entry in locked.items() if "resolved" in entry]


@pytest.mark.parametrize("lock", SERVICE_LOCKS, ids=[path.parent.name for path in SERVICE_LOCKS])
def test_locks_that_are_installed_together_agree(lock: Path) -> None:
    """A service installs its own lock and that of its tools for development."""
    service = versions(lock)
    development = versions(TEMPLATE / "requirements-dev.txt")
    shared = service.keys() & development.keys()
    assert shared
    assert {name: service[name] for name in shared} == {name: development[name] for name in shared}


def test_the_template_and_its_services_install_the_same_uv() -> None:
    """One line of its own, by hash, where uv is not on PATH."""
    lock = text(ROOT / "requirements" / "uv.txt")
    assert text(TEMPLATE / "requirements-uv.txt") == lock
    assert versions(ROOT / "requirements" / "uv.txt").keys() == {"uv"}
