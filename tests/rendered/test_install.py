"""`make install` installs exactly what the locks say, on any later day and with any old pip."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from harness import process
from harness.environment import run
from harness.project import ROOT, bake
from harness.requirements import require
from harness.toolbox import clean_environment, path_without_uv, stub
from harness.waiting import wait_until
from harness.wheels import write_wheel

OLDEST_PIP = ROOT / "requirements" / "oldest-pip.txt"
# Locked packages, one of them required with an extra, for which the index offers newer releases.
RELEASED = {"coverage": ["toml"], "pytest-cov": [], "flask": ["async"], "requests": [], "idna": []}


@pytest.fixture(scope="module")
def newer_releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of wheels that are newer than any lock."""
    folder = tmp_path_factory.mktemp("wheels")
    for name, extras in RELEASED.items():
        write_wheel(folder, name, "999.0", extras)
    return folder


@pytest.fixture
def oldest_python(tmp_path: Path) -> Path:
    """Return a Python whose venv module installs the oldest pip of a supported version."""
    install_pip = (
        f'{require("uv")} pip install --quiet --system-certs --python "$4/bin/python" '
        f"--require-hashes --no-deps -r {OLDEST_PIP}"
    )
    return stub(
        tmp_path / "python",
        f"""python3 "$@" || exit
        case "$*" in
          *--without-pip*) ;;
          "-m venv"*) {install_pip} ;;
        esac""",
    )


def locked_versions(*locks: Path, pattern: str) -> dict[str, str]:
    """Return the versions of the locked packages by name; `pattern` follows the version."""
    pins: dict[str, str] = {}
    for lock in locks:
        lines = rf"^([\w.-]+)==([^\s;]+){pattern}"
        pins |= re.findall(lines, lock.read_text("utf-8"), re.MULTILINE)
    return pins


def installed_versions(environment: Path) -> dict[str, str]:
    """Return the versions of the packages in a virtual environment by name."""
    listed = run(ROOT, require("uv"), "pip", "freeze", "--python", str(environment))
    return dict(line.split("==") for line in listed.splitlines() if "==" in line)


@pytest.mark.parametrize("with_uv", [False, True], ids=["pip", "uv"])
def test_newer_releases_do_not_change_an_installation(
    tmp_path: Path, newer_releases: Path, oldest_python: Path, with_uv: bool
) -> None:
    """A company's proxy, an extra and an old pip must not bring the resolver back."""
    project = bake(tmp_path)
    locks = [project / "requirements.txt", project / "requirements-dev.txt"]
    path = path_without_uv(tmp_path / "bin")
    if with_uv:
        stub(tmp_path / "bin" / "uv", f'exec {require("uv")} "$@"')
    offered = {"PIP_FIND_LINKS": str(newer_releases), "UV_FIND_LINKS": str(newer_releases)}
    done = subprocess.run(
        ["make", "install", f"PYTHON={oldest_python}"],
        cwd=project,
        env=clean_environment(path, **offered),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    installed = installed_versions(project / ".venv")
    if not with_uv:
        assert installed.pop("pip") in OLDEST_PIP.read_text("utf-8")
        installed.pop("setuptools", None)
        locks.append(project / "requirements-uv.txt")
    # A lock also has packages that other systems need: they have a condition.
    assert locked_versions(*locks, pattern=r" \\").items() <= installed.items()
    assert installed.items() <= locked_versions(*locks, pattern="").items()
    assert set(RELEASED) <= set(installed)


@pytest.mark.full
def test_those_releases_break_an_installer_that_resolves(
    tmp_path: Path, newer_releases: Path, oldest_python: Path
) -> None:
    """The test above can fail: this is what an installation did before it bypassed the resolver."""
    project = bake(tmp_path)
    path = path_without_uv(tmp_path / "bin")
    environment = clean_environment(path, PIP_FIND_LINKS=str(newer_releases))
    subprocess.run(
        [oldest_python, "-m", "venv", "--clear", tmp_path / "venv"], env=environment, check=True
    )
    lock = str(project / "requirements-dev.txt")
    pip = [str(tmp_path / "venv" / "bin" / "pip"), "install", "--require-hashes", "-r", lock]
    done = subprocess.run(pip, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "all requirements must have their versions pinned with ==" in done.stderr


def test_an_interrupted_installation_is_repaired(tmp_path: Path) -> None:
    """The next run starts again; a third one has nothing to do."""
    project = bake(tmp_path, sample_api="no", ci="none")
    path = path_without_uv(tmp_path / "bin")
    uv = tmp_path / "bin" / "uv"
    stub(uv, f"touch {tmp_path}/reached; exec sleep 60".replace("sleep", require("sleep")))
    environment = clean_environment(path)
    interrupted = process.start(["make", "install"], cwd=project, env=environment, new_session=True)
    wait_until((tmp_path / "reached").exists)
    os.killpg(interrupted.pid, signal.SIGINT)
    assert interrupted.wait(30) != 0
    stub(uv, f'exec {require("uv")} "$@"')
    subprocess.run(["make", "install"], cwd=project, env=environment, check=True)
    assert (project / ".venv" / "bin" / "flask").exists()
    again = run(project, "make", ".venv/.installed", PATH=path)
    assert "up to date" in again


def test_a_full_disk_is_reported_in_one_line(tmp_path: Path) -> None:
    """The message is about the disk, not about Python or pip."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted; to run this test: be root, with CAP_SYS_ADMIN")
    try:
        project = bake(disk, sample_api="no")
        uv = stub(tmp_path / "bin" / "uv", f'exec {require("uv")} "$@"')
        done = subprocess.run(
            ["make", "install"],
            cwd=project,
            env=clean_environment(f"{uv.parent}:{os.environ['PATH']}"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert done.stderr.startswith("The disk is full. Free some space and run make again.\n")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
        shutil.rmtree(disk)
