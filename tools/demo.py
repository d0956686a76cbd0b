"""Show the template at work: bake a service, test it, run it in full, call every endpoint.

The service stays up until Ctrl-C; with --once it is stopped at the end, and the exit status
tells whether all went well.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "demo"

# What is called: method, path, body, and the status that is expected.
CALLS = [
    ("GET", "/livez", None, 200),
    ("GET", "/readyz", None, 200),
    ("GET", "/v1/hello?name=you", None, 200),
    ("POST", "/v1/primes", {"numbers": [97, 112272535095293, 1001]}, 200),
    ("GET", "/v1/pages", None, 200),
    ("GET", "/v1/hello?nmae=you", None, 422),
    ("GET", "/nothing/here", None, 404),
    ("GET", "/docs/", None, 200),
    ("GET", "/docs/openapi.json", None, 200),
]


def say(text: str) -> None:
    """Print a heading, at once."""
    print(f"\n== {text}", flush=True)


def free_port(wanted: int) -> int:
    """Return the wanted port of this machine, or any if that one is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    sys.exit("There is no free port.")


def bake() -> Path:
    """Bake the default service where a demo left nothing but its environment."""
    say(f"Baking the default service into {FOLDER.relative_to(ROOT)}")
    shutil.rmtree(FOLDER, ignore_errors=True)
    project = Path(cookiecutter(str(ROOT), no_input=True, output_dir=str(FOLDER)))
    count = sum(path.is_file() for path in project.rglob("*"))
    print(f"{count} files in {project.relative_to(ROOT)}")
    return project


def make(project: Path, target: str) -> None:
    """Run one of the service's own targets, in plain sight."""
    say(f"make {target}")
    if subprocess.run(["make", target], cwd=project).returncode:
        sys.exit(f"`make {target}` failed in {project}.")


def call(url: str, method: str, path: str, body: object) -> tuple[int, str]:
    """Return the status and the text of an answer."""
    request = urllib.request.Request(url + path, method=method)  # noqa: S310
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def await_ready(url: str, stack: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the service is ready; give up if its stack ended or took too long."""
    for _ in range(300):
        if stack.poll() is not None:
            sys.exit(f"The stack did not start:\n{log.read_text('utf-8')}")
        try:
            if call(url, "GET", "/readyz", None)[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    sys.exit("The service was not ready within 30 seconds.")


def call_all(url: str, ops_url: str) -> bool:
    """Call every endpoint and print what came back; tell whether all was as expected."""
    good = True
    for method, path, body, expected in [*CALLS, ("GET", "/metrics", None, 200)]:
        base = ops_url if path == "/metrics" else url
        status, text = call(base, method, path, body)
        good = good and status == expected
        shown = " ".join(text.split())
        mark = "" if status == expected else f"  (expected {expected})"
        print(f"{status} {method:4} {base}{path}{mark}\n    {shown:.110}", flush=True)
    return good


def main() -> None:
    """Go through the demonstration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="stop by itself")
    once = parser.parse_args().once

    project = bake()
    make(project, "install")
    make(project, "test")

    port, ops_port = free_port(8080), free_port(8081)
    url, ops_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{ops_port}"
    say("make serve: nginx, uWSGI and the application")
    environment = {
        **os.environ,
        "PATH": f"{project / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PORT": str(port),
        "OPS_PORT": str(ops_port),
        # One that answers, and one that cannot: a failure is data.
        "APP_UPSTREAM_URLS": f"{url}/livez,http://127.0.0.1:9",
    }
    log = FOLDER / "stack.log"
    with log.open("wb") as output:
        # In a session of its own, so that Ctrl-C reaches this script alone.
        stack = subprocess.Popen(
            ["sh", "deploy/entrypoint.sh"],
            cwd=project,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))
    try:
        await_ready(url, stack, log)
        good = call_all(url, ops_url)
        say(f"Documentation: {url}/docs/   Logs: {log.relative_to(ROOT)}")
        if not once:
            print("The service runs until you press Ctrl-C.", flush=True)
            stack.wait()
    except KeyboardInterrupt:
        say("Stopping")
    finally:
        stack.terminate()
        ended = stack.wait()
    if ended or not good:
        sys.exit("Something was not as expected: see above.")
    print("All was as expected." if once else "Stopped.")


if __name__ == "__main__":
    main()
