"""The whole stack beside version one's, and its micro-cache beside that of a bare nginx."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.results import RatioAtLeast, RatioAtMost, Row
from benchmarks.version_one import bake_version_one
from benchmarks.wrk import rate, rate_and_tail, require_wrk
from harness import process
from harness.environment import install
from harness.http import ServiceClient
from harness.project import bake
from harness.stack import Stack
from harness.waiting import wait_until

TURNS = 5
# The log of our nginx.conf, and nothing else of it.
BARE_NGINX = """
daemon off;
pid bare.pid;
error_log stderr;
worker_processes 2;
events {{ worker_connections 2048; }}
http {{
    {log}
    uwsgi_cache_path bare-cache keys_zone=bare:1m;
    uwsgi_temp_path bare-uwsgi;
    client_body_temp_path bare-body;
    proxy_temp_path bare-proxy;
    fastcgi_temp_path bare-fastcgi;
    scgi_temp_path bare-scgi;
    server {{
        listen {port};
        uwsgi_param QUERY_STRING $query_string;
        uwsgi_param REQUEST_METHOD $request_method;
        uwsgi_param PATH_INFO $document_uri;
        uwsgi_param SERVER_NAME $server_name;
        uwsgi_param SERVER_PORT $server_port;
        uwsgi_cache bare;
        uwsgi_cache_key $request_uri;
        location / {{ uwsgi_pass unix:uwsgi.sock; }}
    }}
}}
"""


class VersionOneStack(Stack):
    """The stack of version one, whose entry point is a shell script."""

    def __init__(self, project: Path, **variables: str) -> None:
        super().__init__(project, **variables)
        self.command = [str(project / "deploy" / "entrypoint.sh")]


def stack_rates(folder: Path) -> Iterator[Row]:
    """Measure hello, and a hit of the micro-cache, alternating with their peers."""
    require_wrk()
    service = install(bake(folder / "service"))
    old = install(bake_version_one(folder))
    ours, theirs, cached, bare = [], [], [], []
    with ExitStack() as stacks:
        old_stack = stacks.enter_context(VersionOneStack(old, APP_HELLO_MAX_AGE="0"))
        stack = stacks.enter_context(Stack(service, APP_HELLO_MAX_AGE="0"))
        caching = stacks.enter_context(Stack(service, APP_HELLO_MAX_AGE="60"))
        bare_nginx = ServiceClient()
        stacks.callback(process.stop, start_bare_nginx(service, caching, bare_nginx.port))
        wait_until(lambda: bare_nginx.is_ready("/v1/hello"))
        for turn in range(TURNS + 1):
            measured = rate_and_tail(stack.url), rate_and_tail(old_stack.url)
            hits = rate(caching.url), rate(bare_nginx.url)
            if turn:  # The first turn warms up.
                ours.append(measured[0])
                theirs.append(measured[1])
                cached.append(hits[0])
                bare.append(hits[1])
    for position, name, unit, goal in (
        (0, "GET /v1/hello, whole stack", "requests/s", RatioAtLeast(1.3)),
        (1, "GET /v1/hello, 99th percentile", "ms", RatioAtMost(1)),
    ):
        mine, other = ([turn[position] for turn in turns] for turns in (ours, theirs))
        yield Row(name, unit, mine, "version one", other, goal)
    yield Row("hit of the micro-cache", "requests/s", cached, "bare nginx", bare, RatioAtLeast(0.8))


def start_bare_nginx(service: Path, stack: Stack, port: int) -> subprocess.Popen[bytes]:
    """Start an nginx that caches the responses of a running stack, with the same access log."""
    text = (service / "deploy" / "nginx.conf").read_text("utf-8")
    found = re.search(r"# --- Request id.*?access_log [^\n]*\n", text, re.DOTALL)
    assert found
    path = stack.run_dir / "bare.conf"
    path.write_text(BARE_NGINX.format(log=found[0], port=port), "utf-8")
    user = ("-g", "user root root;")
    command = ["nginx", "-p", str(stack.run_dir), "-c", path.name, "-e", "stderr", *user]
    with (stack.folder / "bare.log").open("ab") as log:
        return process.start(command, cwd=stack.run_dir, env=stack.variables, stdout=log)
