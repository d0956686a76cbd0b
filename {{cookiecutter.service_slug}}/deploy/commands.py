"""The commands of nginx and uWSGI, and the environment of both."""

import contextlib
import grp
import os
import pwd
import sys
from collections.abc import Mapping

from deploy.stack_settings import StackSettings

# Requests that may wait for a thread of uWSGI.
BACKLOG = 1024
SOMAXCONN = "/proc/sys/net/core/somaxconn"


def environment(
    environ: Mapping[str, str], settings: StackSettings, run_dir: str
) -> dict[str, str]:
    """Return the environment of both programs."""
    return {
        **environ,
        "RUN_DIR": run_dir,
        "TMPDIR": run_dir,
        "PROMETHEUS_MULTIPROC_DIR": os.path.join(run_dir, "metrics"),
        "UWSGI_PROCESSES": str(settings.processes),
        "UWSGI_THREADS": str(settings.threads),
        "CACHE_ITEMS": str(settings.cache_items),
        "TZ": "UTC0",  # one clock for all log lines
    }


def nginx_command(program: str, run_dir: str, uid: int) -> list[str]:
    """Return the command of nginx. Relative paths in nginx.conf are in RUN_DIR."""
    command = [program, "-p", run_dir, "-c", "nginx.conf", "-e", "stderr"]
    if uid == 0:
        # Its workers would change to a user who may not read here.
        group = grp.getgrgid(os.getgid()).gr_name
        command += ["-g", f"user {pwd.getpwuid(uid).pw_name} {group};"]
    return command


def uwsgi_command(program: str) -> list[str]:
    """Return the command of uWSGI."""
    backlog = 128
    with contextlib.suppress(OSError), open(SOMAXCONN, encoding="ascii") as limit:
        # uWSGI does not start if the kernel grants less.
        backlog = min(int(limit.read()), BACKLOG)
    # For a reload, uWSGI would look behind the link that Python is in a virtual environment.
    binary = ["--binary-path", sys.executable]
    return [program, "--ini", "deploy/uwsgi.ini", "--listen", str(backlog), *binary]
