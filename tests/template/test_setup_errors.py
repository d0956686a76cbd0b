"""Both Makefiles explain in one line why an installation failed, and leave it repeatable."""

import re
import subprocess
from pathlib import Path

import pytest

from harness.project import ROOT, TEMPLATE, Bake
from harness.requirements import require
from harness.toolbox import clean_environment, path_without_uv, stub

LOCKS = {
    ROOT: ("requirements/uv.txt", "requirements/dev.txt"),
    TEMPLATE: ("requirements-uv.txt", "requirements.txt", "requirements-dev.txt"),
}
UNREACHABLE = "http://127.0.0.1:9/simple"
# Pretends to be Python 3.9.
OLD_PYTHON = 'exec python3 -c "$(echo "$2" | sed "s/sys.version_info/(3, 9)/")"'
NO_ENSUREPIP = 'case "$2" in *ensurepip*) exit 1;; *) exec python3 "$@";; esac'


@pytest.fixture(params=[ROOT, TEMPLATE], ids=["template", "service"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a folder with one of the Makefiles and a lock of one small package."""
    source: Path = request.param
    folder = tmp_path / "project"
    folder.mkdir()
    text = (source / "Makefile").read_text("utf-8")
    text = re.sub(r"^\{%.*%\}\n", "", text, flags=re.MULTILINE)
    (folder / "Makefile").write_text(re.sub(r"\{\{.*?\}\}", "my-service", text))
    for lock in LOCKS[source]:
        (folder / lock).parent.mkdir(exist_ok=True)
        (folder / lock).write_bytes((ROOT / "requirements" / "uv.txt").read_bytes())
    return folder


@pytest.mark.parametrize("target", ["image", "smoke", "up", "down"])
def test_a_missing_docker_is_named(baked: Bake, tmp_path: Path, target: str) -> None:
    """The remedy names what does without it."""
    done = subprocess.run(
        ["make", target],
        cwd=baked(),
        env=clean_environment(path_without_uv(tmp_path / "bin")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("docker is not installed. Install Docker, or Podman with ")


def install(folder: Path, *arguments: str, **variables: str) -> list[str]:
    """Let make install; return the error messages other than make's own."""
    done = subprocess.run(
        ["make", "--silent", ".venv/.installed", *arguments],
        cwd=folder,
        env=clean_environment(**variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert not (folder / ".venv" / ".installed").exists()
    return [line for line in done.stderr.splitlines() if not line.startswith("make")]


def test_both_makefiles_install_alike() -> None:
    """A team's Makefile repeats the recipe of the template's."""
    recipes = {
        (source / "Makefile")
        .read_text("utf-8")
        .partition("define INSTALL")[2]
        .partition("endef")[0]
        for source in LOCKS
    }
    assert len(recipes) == 1
    assert "pip sync" in recipes.pop()


def test_a_missing_python_is_named(folder: Path, tmp_path: Path) -> None:
    """PYTHON may be a name or a path."""
    path = path_without_uv(tmp_path / "bin")
    (line,) = install(folder, "PYTHON=python3.99", path=path)
    assert line.startswith("Python 3.11 or later is required, and python3.99 is older or missing. ")


def test_an_old_python_is_refused(folder: Path, tmp_path: Path) -> None:
    """The remedy names the variable that chooses another."""
    path = path_without_uv(tmp_path / "bin")
    python = stub(tmp_path / "python", OLD_PYTHON)
    (line,) = install(folder, f"PYTHON={python}", path=path)
    assert line == (
        f"Python 3.11 or later is required, and {python} is older or missing. Choose another, "
        "for example: make .venv/.installed PYTHON=python3.13"
    )


def test_a_missing_venv_module_is_named(folder: Path, tmp_path: Path) -> None:
    """Debian packages it apart; uv does without."""
    path = path_without_uv(tmp_path / "bin")
    python = stub(tmp_path / "python", NO_ENSUREPIP)
    (line,) = install(folder, f"PYTHON={python}", path=path)
    assert line.startswith(f"{python} has no venv module. Install it (Debian: apt-get install ")


def test_an_unreachable_index_is_reported_with_uv(folder: Path, tmp_path: Path) -> None:
    """The uv on PATH queries the index of its own settings."""
    path = path_without_uv(tmp_path / "bin")
    stub(tmp_path / "bin" / "uv", f'exec {require("uv")} "$@"')
    settings = {"UV_DEFAULT_INDEX": UNREACHABLE, "UV_NO_CACHE": "1", "UV_HTTP_RETRIES": "0"}
    (line,) = install(folder, path=path, **settings)
    assert line.startswith("The package index did not answer. Check the network, or set UV_DEFAULT")


def test_an_unreachable_index_is_reported_with_pip(folder: Path, tmp_path: Path) -> None:
    """Without uv, pip installs it first."""
    path = path_without_uv(tmp_path / "bin")
    settings = {"PIP_INDEX_URL": UNREACHABLE, "PIP_NO_CACHE_DIR": "1", "PIP_RETRIES": "0"}
    (line,) = install(folder, path=path, PIP_CONFIG_FILE="/dev/null", **settings)
    assert line.startswith("The package index did not answer. Check the network, or set UV_DEFAULT")


def test_a_full_disk_is_reported(folder: Path, tmp_path: Path) -> None:
    """The message of the operating system is the same for uv and Python."""
    path = path_without_uv(tmp_path / "bin")
    stub(tmp_path / "bin" / "uv", "echo 'error: No space left on device (os error 28)' >&2; exit 2")
    (line,) = install(folder, path=path)
    assert line == "The disk is full. Free some space and run make again."


def test_the_output_is_shown_where_the_reason_is_unknown(folder: Path, tmp_path: Path) -> None:
    """The last line says what to do."""
    path = path_without_uv(tmp_path / "bin")
    stub(tmp_path / "bin" / "uv", "echo 'error: a hash differs' >&2; exit 2")
    reason, line = install(folder, path=path)
    assert reason == "error: a hash differs"
    assert line == "The installation failed; the reason is above. Fix it and run make again."
