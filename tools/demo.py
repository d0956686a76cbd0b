"""Show the template at work: bake a service, install, test and serve it, call every endpoint.

`make demo` leaves the service running until Ctrl-C. With --once it stops, and the exit status
says whether all responses were as expected. PORT and OPS_PORT choose the ports.
"""

import argparse
import contextlib
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

from harness import process
from harness.environment import process_environment
from harness.http import Response, ServiceClient
from harness.project import BUILD, ROOT, bake, contents
from harness.stack import entry_point
from harness.waiting import HOST, choose_port, wait_until

FOLDER = BUILD / "demo"
# From the documentation of concurrent.futures; the last one is not prime.
PRIMES = [
    *(112272535095293, 112582705942171, 112272535095293),
    *(115280095190773, 115797848077099, 1099726899285419),
]
# Method, path, body and expected status.
CALLS: list[tuple[str, str, object, int]] = [
    ("GET", "/livez", None, 200),
    ("GET", "/readyz", None, 200),
    ("GET", "/v1/hello?name=you", None, 200),
    ("POST", "/v1/primes", {"numbers": PRIMES}, 200),
    ("GET", "/v1/pages", None, 200),
    ("GET", "/v1/hello?nmae=you", None, 422),
    ("GET", "/unknown", None, 404),
    ("GET", "/docs/", None, 200),
    ("GET", "/docs/openapi.json", None, 200),
    ("GET", "/metrics", None, 200),
]


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Print a step's title, and its duration when it is done."""
    print(f"\n== {title}", flush=True)
    started = time.perf_counter()
    yield
    print(f"   ({time.perf_counter() - started:.1f} s)", flush=True)


def make(project: Path, target: str) -> None:
    """Run a make target of the service."""
    command = ["make", "--no-print-directory", target]
    if subprocess.run(command, cwd=project, env=process_environment(project)).returncode:
        sys.exit(f"make {target} failed for the reason above; the service is in {project}.")


@contextlib.contextmanager
def serving(project: Path, client: ServiceClient, log: Path) -> Iterator[None]:
    """Run the service's stack at the client's ports; stop it at the end."""
    variables = {
        "PORT": str(client.port),
        "OPS_PORT": str(client.ops_port),
        # The second one refuses connections: /v1/pages reports failures for each address.
        "APP_UPSTREAM_URLS": f"{client.url}/livez,http://{HOST}:9",
    }
    command = entry_point(project)
    env = process_environment(project, **variables)
    with log.open("wb") as output:
        # In its own session: Ctrl-C must reach this script alone.
        stack = process.start(command, env=env, stdout=output, new_session=True)
    try:
        wait_until(lambda: stack.poll() is not None or client.is_ready())
        if stack.poll() is not None:
            sys.exit(f"The service did not start. Its log:\n{log.read_text('utf-8')}")
        yield
    finally:
        stack.terminate()
        stack.wait()
    if stack.returncode:
        sys.exit(f"The service did not stop cleanly. Its log: {log}")


def call_all(client: ServiceClient) -> bool:
    """Call every endpoint and print the responses; return whether all statuses were expected."""
    succeeded = True
    for method, path, body, expected in CALLS:
        port = client.ops_port if path == "/metrics" else client.port
        started = time.perf_counter()
        response = client.post(path, body) if body else client.call(method, path, port=port)
        milliseconds = (time.perf_counter() - started) * 1000
        succeeded = succeeded and response.status == expected
        note = "" if response.status == expected else f"  (expected {expected})"
        print(f"{response.status} {method:4} :{port}{path}  {milliseconds:.0f} ms{note}")
        print(*summary(path, response), sep="\n", flush=True)
    return succeeded


def summary(path: str, response: Response) -> Iterator[str]:
    """Yield what to show of a response."""
    if path == "/v1/primes" and response.status == 200:
        for each in response.json()["numbers"]:
            verdict = "prime" if each["prime"] else f"divisible by {each['factor']}"
            yield f"    {each['number']} is {verdict}"
    else:
        yield f"    {textwrap.shorten(response.body.decode(), 100, placeholder='…')}"


def main() -> None:
    """Go through the steps."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="stop the service afterwards")
    once = parser.parse_args().once
    client = ServiceClient(choose_port("PORT", 8080), choose_port("OPS_PORT", 8081))
    if client.port == client.ops_port:
        sys.exit(f"PORT and OPS_PORT must differ; got {client.port} for both.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))
    started = time.perf_counter()

    with step("Bake the default service"):
        shutil.rmtree(FOLDER, ignore_errors=True)
        project = bake(FOLDER)
        print(f"{len(contents(project))} files in {project.relative_to(ROOT)}")
    with step("make install: a virtual environment with the locked packages"):
        make(project, "install")
    with step("make test: the service's own tests, with its coverage gate"):
        make(project, "test")
    log = FOLDER / "service.log"
    with contextlib.ExitStack() as running, contextlib.suppress(KeyboardInterrupt):
        with step("make serve: nginx, uWSGI and the application"):
            running.enter_context(serving(project, client, log))
        with step("Call every endpoint"):
            succeeded = call_all(client)
        print(f"\n== Done in {time.perf_counter() - started:.1f} s")
        print(f"   API documentation: {client.url}/docs/")
        print(f"   Metrics:           http://{HOST}:{client.ops_port}/metrics")
        print(f"   Log:               {log.relative_to(ROOT)}", flush=True)
        if not succeeded:
            sys.exit("A response was not as expected: see above.")
        if not once:
            print("The service runs until you press Ctrl-C.", flush=True)
            signal.pause()
    print("Stopped.")


if __name__ == "__main__":
    main()
