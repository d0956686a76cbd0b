"""A hit of nginx's micro-cache beside a hit in a bare nginx with the same access log."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.results import RatioAtLeast, Row
from benchmarks.wrk import rate, require_wrk
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


def micro_cache(folder: Path) -> Iterator[Row]:
    """Greet alternately from the cache of our stack and from that of a bare nginx."""
    require_wrk()
    service = install(bake(folder))
    ours, theirs = [], []
    with ExitStack() as running:
        stack = running.enter_context(Stack(service, APP_HELLO_MAX_AGE="60"))
        bare = ServiceClient()
        running.callback(process.stop, start_bare_nginx(stack, bare.port))
        wait_until(lambda: bare.is_ready("/v1/hello"))
        for turn in range(TURNS + 1):
            measured = rate(stack.url), rate(bare.url)
            if turn:  # The first turn warms up.
                ours.append(measured[0])
                theirs.append(measured[1])
    name = "GET /v1/hello, micro-cached"
    yield Row(name, "requests/s", ours, "bare nginx", theirs, RatioAtLeast(0.8))


def start_bare_nginx(stack: Stack, port: int) -> subprocess.Popen[bytes]:
    """Start an nginx that caches the responses of a running stack, with the same access log."""
    text = (stack.project / "deploy" / "nginx.conf").read_text("utf-8")
    found = re.search(r"# --- Request id.*?access_log [^\n]*\n", text, re.DOTALL)
    assert found
    path = stack.run_dir / "bare.conf"
    path.write_text(BARE_NGINX.format(log=found[0], port=port), "utf-8")
    user = ("-g", "user root root;")
    command = ["nginx", "-p", str(stack.run_dir), "-c", path.name, "-e", "stderr", *user]
    with (stack.folder / "bare.log").open("ab") as log:
        return process.start(command, cwd=stack.run_dir, env=stack.variables, stdout=log)
