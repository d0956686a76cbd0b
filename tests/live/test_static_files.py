"""A team's own files in main/resources/static/ are served by nginx."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.problem import assert_problem
from harness.stack import Stack, StackType

STYLE = "body { color: navy }\n"
ICON = '<svg xmlns="http://www.w3.org/2000/svg"/>\n'


@pytest.fixture(scope="module")
def service(
    project: Path, stack_type: StackType, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Run the default service with two static files, and others that nobody must get."""
    copy = tmp_path_factory.mktemp("static") / "service"
    shutil.copytree(project, copy, symlinks=True)
    folder = copy / "main" / "resources" / "static"
    (folder / "icons").mkdir(parents=True)
    (folder / "style.css").write_text(STYLE, "utf-8")
    (folder / "icons" / "logo.svg").write_text(ICON, "utf-8")
    (folder / ".git").mkdir()
    for name in (".env", ".git/config"):
        (folder / name).write_text("secret", "utf-8")
    (folder / "link.css").symlink_to("/etc/passwd")
    (folder / "linked").symlink_to("/etc")
    with stack_type(copy) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "content_type", "text"),
    [("style.css", "text/css", STYLE), ("icons/logo.svg", "image/svg+xml", ICON)],
)
def test_a_static_file_is_served_with_its_headers(
    service: Stack, path: str, content_type: str, text: str
) -> None:
    """It has a type, a lifetime, both validators and the security headers."""
    response = service.get(f"/static/{path}")
    assert response.status == 200
    assert response.body.decode() == text
    assert response.headers["Content-Type"] == content_type
    assert response.headers["Cache-Control"] == "max-age=3600"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    for condition, validator in {
        "If-None-Match": "ETag",
        "If-Modified-Since": "Last-Modified",
    }.items():
        headers = {condition: response.headers[validator]}
        assert service.get(f"/static/{path}", headers).status == 304


@pytest.mark.parametrize(
    "path",
    [
        *("", "icons", "icons/", "missing.css", "..%2fdrain", ".%2e/nginx.conf"),
        *(".env", "%2eenv", ".git/config", "link.css", "linked/passwd"),
    ],
)
def test_nothing_else_is_served_below_static(service: Stack, path: str) -> None:
    """Folders are not listed, hidden files are not served, and no path leads out of the folder."""
    assert_problem(service.get(f"/static/{path}"), 404)


def test_static_files_are_only_read(service: Stack) -> None:
    """Other methods are a 405 problem."""
    response = service.call("POST", "/static/style.css")
    assert_problem(response, 405)
    assert response.headers["Allow"] == "GET, HEAD"
