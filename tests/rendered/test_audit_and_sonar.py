"""`make audit` and `make sonar` fail where they should, and name the reason."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.environment import run
from harness.fakes.osv import FakeOSVServer
from harness.project import Bake, bake


@pytest.fixture
def osv() -> Iterator[FakeOSVServer]:
    """Run a fake of OSV."""
    with FakeOSVServer() as server:
        yield server


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a service that has installed its tools."""
    service = bake(tmp_path_factory.mktemp("audit"))
    run(service, "make", "install", ".venv/tools/.installed")
    return service


@pytest.mark.full
@pytest.mark.parametrize("package", ["flask", "pytest"])
def test_a_known_vulnerability_fails_the_audit(
    project: Path, osv: FakeOSVServer, package: str
) -> None:
    """Packages of the service and those for development are checked."""
    osv.vulnerable[package] = "PYSEC-0000-1"
    with pytest.raises(AssertionError, match=rf"(?s)Found 1 known .*{package} .*PYSEC-0000-1"):
        run(project, "make", "audit", **osv.variables)


@pytest.mark.full
def test_a_requirement_without_a_hash_fails_the_audit(project: Path, osv: FakeOSVServer) -> None:
    """Anything could be installed for it."""
    lock = project / "requirements-dev.txt"
    original = lock.read_text("utf-8")
    lock.write_text(f"{original}humanize==4.0.0\n", "utf-8")
    # Else make would install first, and that would fail.
    for stamp in (".venv/.installed", ".venv/tools/.installed"):
        (project / stamp).touch()
    try:
        with pytest.raises(AssertionError, match=r"pip.audit.*humanize.*hash"):
            run(project, "make", "audit", **osv.variables)
    finally:
        lock.write_text(original, "utf-8")
        for stamp in (".venv/.installed", ".venv/tools/.installed"):
            (project / stamp).touch()


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("", "SONAR_TOKEN is not set. Create a token for this project on the Sonar server."),
        ("x", "coverage.xml is missing. Run make test, which writes it."),
    ],
    ids=["no token", "no report"],
)
def test_make_sonar_names_what_is_missing(baked: Bake, token: str, message: str) -> None:
    """It prints one sentence, and sends nothing."""
    with pytest.raises(AssertionError) as failure:
        run(baked(ci="none"), "make", "--silent", "sonar", SONAR_TOKEN=token)
    _, *lines = str(failure.value).splitlines()
    assert [line for line in lines if not line.startswith("make")] == [message]
