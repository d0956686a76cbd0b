"""Programs that the tests need are installed as root, and named everywhere else."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness import requirements
from harness.project import ROOT
from harness.toolbox import stub

# All programs but the cache servers.
PRESENT = ("busybox", "chromium", "nginx", "node", "npm")
DEBIAN = "apt-get update -qq && apt-get install -y -qq --no-install-recommends"
RECORD_CALL = 'echo "$(basename "$0") $*" >>"$RECORD"'

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the tests need a shell; run them on Linux or macOS"
)


class Machine:
    """A machine on which only some programs are installed."""

    def __init__(self, folder: Path, *programs: str, uid: int = 0) -> None:
        self.programs = folder / "bin"
        self.modules = folder / "modules"
        self.record = folder / "record"
        for program in programs:
            stub(self.programs / program, RECORD_CALL)
        for program in ("sh", "basename"):
            (self.programs / program).symlink_to(f"/bin/{program}")
        self.modules.mkdir()
        code = f"import os\nos.geteuid = lambda: {uid}\n"
        (self.modules / "sitecustomize.py").write_text(code)

    def install(self) -> str:
        """Run `python -m harness.requirements`; return its output."""
        done = subprocess.run(
            [sys.executable, "-m", "harness.requirements"],
            cwd=ROOT,
            env={
                "PATH": str(self.programs),
                "PYTHONPATH": str(self.modules),
                "RECORD": str(self.record),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        return done.stdout

    def calls(self) -> list[str]:
        """Return the commands that were run."""
        return self.record.read_text().splitlines() if self.record.exists() else []


def test_root_on_debian_installs_what_is_missing(tmp_path: Path) -> None:
    """And nothing else."""
    machine = Machine(tmp_path, "apt-get", *PRESENT)
    assert machine.install() == (
        "Installing programs that the tests need: memcached, redis-server\n"
    )
    assert machine.calls() == [
        "apt-get update -qq",
        "apt-get install -y -qq --no-install-recommends memcached redis-server",
    ]


def test_root_on_alpine_installs_what_is_missing(tmp_path: Path) -> None:
    """Packages have other names there."""
    machine = Machine(tmp_path, "apk", *PRESENT, "memcached")
    assert machine.install() == "Installing programs that the tests need: redis-server\n"
    assert machine.calls() == ["apk add --quiet --no-cache redis"]


def test_a_failed_installation_names_the_command(tmp_path: Path) -> None:
    """The tests run all the same: those that need the program are skipped."""
    machine = Machine(tmp_path, *PRESENT, "memcached")
    stub(machine.programs / "apt-get", "exit 100")
    assert machine.install().endswith(f"Installation failed. Try by hand: {DEBIAN} redis-server\n")


def test_other_users_get_the_command(tmp_path: Path) -> None:
    """Nothing is run as another user than root."""
    machine = Machine(tmp_path, "apt-get", *PRESENT, "memcached", uid=1000)
    assert machine.install() == f"Not installed: redis-server. As root: {DEBIAN} redis-server\n"
    assert machine.calls() == []


def test_machines_without_a_known_package_manager_get_the_names(tmp_path: Path) -> None:
    """Root gets them, too."""
    machine = Machine(tmp_path, *PRESENT)
    assert machine.install() == (
        "Not installed: memcached, redis-server. As root: install memcached redis-server\n"
    )


def test_a_complete_machine_gets_no_message(tmp_path: Path) -> None:
    """Valkey replaces Redis."""
    machine = Machine(tmp_path, "apt-get", *PRESENT, "memcached", "valkey-server")
    assert machine.install() == ""
    assert machine.calls() == []


@pytest.mark.parametrize(
    ("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)]
)
def test_a_test_without_its_program_is_skipped_or_fails_in_ci(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    """The reason names the program and the command that installs it."""
    stub(tmp_path / "apt-get", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome) as raised:
        requirements.require("memcached")
    assert str(raised.value) == (
        f"memcached is not installed; to run this test: {DEBIAN} memcached"
    )


def test_a_program_that_is_installed_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PATH."""
    program = stub(tmp_path / "memcached", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert requirements.require("memcached") == str(program)
