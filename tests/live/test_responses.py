"""Successful responses of the running stack: endpoints, static files, headers."""

import re

import pytest

from harness.http import Response
from harness.stack import Stack

STATIC_FILES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "init.js": "text/javascript; charset=utf-8",
    "docs.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
}


def test_every_endpoint_answers(stack: Stack) -> None:
    """Each endpoint of the default service is reachable through nginx."""
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


def test_every_documented_path_is_served(stack: Stack) -> None:
    """No path of the OpenAPI document is a 404."""
    paths = stack.get("/docs/openapi.json").json()["paths"]
    assert paths
    for path in paths:
        assert stack.call("HEAD", path).status in (200, 405), path


@pytest.mark.parametrize("path", ["/livez", "/v1/hello", "/unknown", "/docs/swagger-ui.css"])
def test_head_returns_the_headers_of_get_without_a_body(stack: Stack, path: str) -> None:
    """This also holds for errors and static files."""
    get, head = stack.get(path), stack.call("HEAD", path)
    assert head.status == get.status
    assert head.body == b""
    for name in ("Content-Type", "Content-Length"):
        assert head.headers[name] == get.headers[name], name


@pytest.mark.parametrize(("name", "content_type"), STATIC_FILES.items())
def test_files_of_the_docs_page_are_cached(stack: Stack, name: str, content_type: str) -> None:
    """Browsers can revalidate them, and nginx answers from its cache."""
    response = stack.get(f"/docs/{name}")
    assert response.status == 200
    assert response.headers["Content-Type"] == content_type
    assert response.headers["Cache-Control"] == "public, max-age=3600"
    revalidated = stack.get(f"/docs/{name}", {"If-None-Match": response.headers["ETag"]})
    assert revalidated.status == 304
    request_id = revalidated.headers["X-Request-ID"]
    line = stack.log.wait_for_line(logger="nginx", request_id=request_id)
    assert line["cache"] == "HIT"


def test_nothing_else_is_served_below_docs(stack: Stack) -> None:
    """The page's template and the drain marker are hidden, and files are only read."""
    assert stack.call("POST", "/docs/init.js").status == 405
    assert stack.get("/docs/index.html").status == 404
    assert stack.get("/docs/drain").status == 404


def test_the_docs_page_has_its_own_content_security_policy(stack: Stack) -> None:
    """The page and its files send exactly one policy, which allows no inline scripts."""
    for path in ("/docs/", "/docs/init.js"):
        (policy,) = stack.get(path).headers.get_all("Content-Security-Policy", [])
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy


@pytest.mark.parametrize(
    "path", ["/docs/openapi.json", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js"]
)
def test_large_texts_are_compressed_on_request(stack: Stack, path: str) -> None:
    """Clients that accept gzip get less than half of the bytes."""
    plain = stack.get(path)
    compressed = stack.get(path, {"Accept-Encoding": "gzip"})
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert compressed.headers["Vary"] == "Accept-Encoding"
    assert len(compressed.body) < len(plain.body) / 2


def request_ids(response: Response) -> list[str]:
    """Return every X-Request-ID header of a response."""
    return response.headers.get_all("X-Request-ID", [])


@pytest.mark.parametrize("request_id", ["trace.id-0_1", "A" * 64, "12345678"])
def test_a_well_formed_request_id_is_kept(stack: Stack, request_id: str) -> None:
    """The response carries the caller's id."""
    assert request_ids(stack.get("/readyz", {"X-Request-ID": request_id})) == [request_id]


@pytest.mark.parametrize(
    "request_id",
    [
        'x","level":"ERROR","y":"',
        "abc defgh",
        "A" * 65,
        "1234567",
        "zoë-12345",
        "",
        "${jndi:ldap}",
    ],
)
def test_a_malformed_request_id_is_replaced(stack: Stack, request_id: str) -> None:
    """The response carries a new id."""
    (replaced,) = request_ids(stack.get("/readyz", {"X-Request-ID": request_id}))
    assert re.fullmatch(r"[0-9a-f]{32}", replaced)
