"""Install the programs that the tests need and pip cannot bring, where that is possible.

As root on Debian, Ubuntu or Alpine they are installed; elsewhere the command that would do it is
printed, and the tests that need one are skipped, or fail where CI=true.
"""

import os
import shutil
import subprocess
import sys

# A program, or what may stand in for it, and the packages that have it for apt and for apk.
PROGRAMS = {
    "busybox": ("busybox", "busybox"),
    "chromium": ("chromium", "chromium"),
    "memcached": ("memcached", "memcached"),
    "nginx": ("nginx", "nginx"),
    "node": ("nodejs", "nodejs"),
    "npm": ("npm", "npm"),
    "redis-server": ("redis-server", "redis"),
}
STAND_INS = {"redis-server": "valkey-server"}
MANAGERS = {
    "apt-get": (0, "apt-get update -qq && apt-get install -y -qq --no-install-recommends"),
    "apk": (1, "apk add --quiet --no-cache"),
}


def find(program: str) -> str | None:
    """Return the path of the program or of its stand-in."""
    return shutil.which(program) or shutil.which(STAND_INS.get(program, program))


def command(programs: list[str]) -> str:
    """Return the shell command that would install them, or what else to do."""
    known = [PROGRAMS[program] for program in programs if program in PROGRAMS]
    for manager, (column, words) in MANAGERS.items():
        if known and shutil.which(manager):
            return f"{words} {' '.join(packages[column] for packages in known)}"
    return f"install {' '.join(programs)}"


def main() -> None:
    """Install what is missing, or say what would."""
    programs = [program for program in PROGRAMS if find(program) is None]
    if not programs:
        return
    install = command(programs)
    if install.startswith("install") or os.geteuid() != 0:
        print(f"Not installed: {', '.join(programs)}. As root: {install}", file=sys.stderr)
        return
    print(f"Installing what the tests need and is missing: {', '.join(programs)}", flush=True)
    # No service is to be started by its package: the tests start their own.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    silent = subprocess.DEVNULL
    if subprocess.run(
        ["sh", "-c", install], env=environment, stdout=silent, check=False
    ).returncode:
        print(f"That failed. By hand: {install}", file=sys.stderr)


if __name__ == "__main__":
    main()
