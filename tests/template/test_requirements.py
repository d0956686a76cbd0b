"""What the tests need is installed where that is possible, and named everywhere else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.project import ROOT


def provide(tmp_path: Path, *programs: str, uid: int = 0) -> tuple[str, list[str]]:
    """Run it where only these programs are; return what it said, and what was run."""
    binaries = tmp_path / "bin"
    binaries.mkdir()
    log = tmp_path / "log"
    for program in programs:
        (binaries / program).write_text(f'#!/bin/sh\necho "$(basename "$0") $*" >>{log}\n')
        (binaries / program).chmod(0o755)
    for shell in ("sh", "basename"):
        (binaries / shell).symlink_to(f"/bin/{shell}")
    (tmp_path / "sitecustomize.py").write_text(f"import os\nos.geteuid = lambda: {uid}\n")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "provide.py")],
        env={"PATH": str(binaries), "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return done.stdout, log.read_text().splitlines() if log.exists() else []


PRESENT = ("busybox", "chromium", "nginx", "node", "npm")


@pytest.mark.skipif(os.name == "nt", reason="make test runs where there is a shell")
class TestProvide:
    """Each kind of machine."""

    def test_root_on_debian(self, tmp_path: Path) -> None:
        """It says so, and installs what is missing only."""
        said, run = provide(tmp_path, "apt-get", *PRESENT)
        assert said == "Installing what the tests need and is missing: memcached, redis-server\n"
        assert run[-1].startswith("apt-get install -y")
        assert run[-1].endswith(" memcached redis-server")

    def test_root_on_alpine(self, tmp_path: Path) -> None:
        """Packages have other names there."""
        said, run = provide(tmp_path, "apk", *PRESENT, "memcached")
        assert said == "Installing what the tests need and is missing: redis-server\n"
        assert run == ["apk add --quiet --no-cache redis"]

    def test_others(self, tmp_path: Path) -> None:
        """They are told the one command."""
        said, run = provide(tmp_path, "apt-get", *PRESENT, "memcached", uid=1000)
        assert said.startswith("Not installed: redis-server. As root: apt-get update")
        assert said.endswith(" redis-server\n")
        assert not run

    def test_elsewhere(self, tmp_path: Path) -> None:
        """Without a package manager that it knows it names what is missing."""
        said, _ = provide(tmp_path, *PRESENT)
        assert said == (
            "Not installed: memcached, redis-server. As root: install memcached redis-server\n"
        )

    def test_nothing_to_do(self, tmp_path: Path) -> None:
        """Valkey will do in the place of Redis."""
        assert provide(tmp_path, "apt-get", *PRESENT, "memcached", "valkey-server") == ("", [])
