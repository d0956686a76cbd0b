"""Programs that the tests need and Python packages cannot provide.

`python -m harness.requirements` installs them as root on Debian, Ubuntu or Alpine. Elsewhere it
prints the command that would. A test whose program is missing is skipped, or fails if CI=true.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# Program: its package for apt, and for apk.
PACKAGES = {
    "busybox": ("busybox", "busybox"),
    "chromium": ("chromium", "chromium"),
    "memcached": ("memcached", "memcached"),
    "nginx": ("nginx", "nginx"),
    "node": ("nodejs", "nodejs"),
    "npm": ("npm", "npm"),
    "redis-server": ("redis-server", "redis"),
}
ALTERNATIVES = {"redis-server": "valkey-server"}
# Package manager: its column in PACKAGES, and its command.
MANAGERS = {
    "apt-get": (0, "apt-get update -qq && apt-get install -y -qq --no-install-recommends"),
    "apk": (1, "apk add --quiet --no-cache"),
}


def find(program: str) -> str | None:
    """Return the path of the program or of its alternative."""
    return shutil.which(program) or shutil.which(ALTERNATIVES.get(program, program))


def install_command(programs: list[str]) -> str:
    """Return the shell command that installs the programs here."""
    known = [PACKAGES[program] for program in programs if program in PACKAGES]
    for manager, (column, command) in MANAGERS.items():
        if known and shutil.which(manager):
            return f"{command} {' '.join(packages[column] for packages in known)}"
    return f"install {' '.join(programs)}"


def require(program: str) -> str:
    """Return the path of `program`; if it is missing, skip the test, or fail it in CI."""
    beside_python = Path(sys.executable).parent / program
    found = str(beside_python) if beside_python.exists() else find(program)
    if found is None:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(f"{program} is not installed; to run this test: {install_command([program])}")
    return found


def main() -> None:
    """Install missing programs, or print the command that does."""
    missing = [program for program in PACKAGES if find(program) is None]
    if not missing:
        return
    command = install_command(missing)
    if command.startswith("install") or os.geteuid() != 0:
        print(f"Not installed: {', '.join(missing)}. As root: {command}", file=sys.stderr)
        return
    print(f"Installing programs that the tests need: {', '.join(missing)}", flush=True)
    # RUNLEVEL=1 keeps Debian's packages from starting their services.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    done = subprocess.run(
        ["sh", "-c", command], env=environment, stdout=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        print(f"Installation failed. Try by hand: {command}", file=sys.stderr)


if __name__ == "__main__":
    main()
