"""An HTTP linter asks for each kind of response.

Caches on the way to the users rely on what it checks: the headers of a 304, and the lifetime.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.http import Response
from harness.stack import Stack, StackType

# Those of one message, and those that describe a body, which a 304 does not have.
OF_ONE_MESSAGE = {"Date", "X-Request-ID"}
OF_THE_BODY = {"Content-Encoding", "Content-Length", "Content-Type", "Transfer-Encoding"}


@pytest.fixture(scope="module")
def service(
    stack_type: StackType, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Run the default service with a static file."""
    copy = tmp_path_factory.mktemp("static") / "service"
    shutil.copytree(project, copy, symlinks=True)
    folder = copy / "main" / "resources" / "static"
    folder.mkdir()
    (folder / "style.css").write_text("body { color: navy }\n" * 100, "utf-8")
    with stack_type(copy) as running:
        yield running


def lasting_headers(response: Response) -> dict[str, str]:
    """Return the headers that a cache keeps with a response."""
    ignored = OF_ONE_MESSAGE | OF_THE_BODY
    found = {name: value for name, value in response.headers.items() if name not in ignored}
    # nginx weakens the validator of a body that it compresses, but not that of a 304.
    return {**found, "ETag": found["ETag"].removeprefix("W/")}


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("path", ["/docs/swagger-ui.css", "/docs/init.js", "/static/style.css"])
def test_a_304_has_the_headers_of_its_200(service: Stack, path: str, encoding: str) -> None:
    """A cache that updates its entry must not lose any, such as Vary."""
    accept = {"Accept-Encoding": encoding}
    full = service.get(path, accept)
    assert full.status == 200
    revalidated = service.get(path, {**accept, "If-None-Match": full.headers["ETag"]})
    assert revalidated.status == 304
    assert lasting_headers(revalidated) == lasting_headers(full)
    assert full.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/v1/hello", "/docs/", "/docs/init.js", "/static/style.css", "/x"]
)
def test_every_response_states_its_lifetime_once(service: Stack, path: str) -> None:
    """There is one Cache-Control, and no Expires beside it."""
    response = service.get(path)
    assert len(response.headers.get_all("Cache-Control", [])) == 1
    assert "Expires" not in response.headers


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/docs/openapi.json", "/v1/pages", "/x"])
def test_a_response_without_a_lifetime_must_not_be_stored(service: Stack, path: str) -> None:
    """The application sets none for these, and a cache might choose one."""
    assert service.get(path).headers["Cache-Control"] == "no-store"
