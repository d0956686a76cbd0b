"""The content of the default service's image."""

from pathlib import Path

import pytest

from harness.answers import HOSTILE
from harness.containers import engine
from harness.containers.image import build_image
from harness.project import Bake, bake

pytestmark = pytest.mark.full

BASE = "docker.io/library/python:3.13-alpine"
MAX_ADDED_BYTES = 40_000_000
# A Dockerfile and a shell would expand these.
EXPANDED = r"$HOME `id` $(id)"


@pytest.fixture(scope="module")
def image(baked: Bake) -> str:
    """Build the default service's image."""
    return build_image(baked())


def _shell(image: str, command: str, *options: str) -> str:
    """Return the output of a shell command in a new container."""
    arguments = ("--entrypoint", "sh", image, "-c", command)
    return engine.run("run", "--rm", "--no-healthcheck", *options, *arguments)


def test_the_service_runs_as_a_user_who_owns_no_file(image: str) -> None:
    """Only the folders for temporary files are writable."""
    assert _shell(image, "id").startswith("uid=10001(service) gid=10001(service)")
    find = "find / -xdev -not -path '/proc/*' -not -path '/sys/*' -not -path '/dev/*'"
    owned = _shell(image, f"{find} \\( -user 10001 -o -group 10001 \\)", "--user", "0")
    assert owned == ""
    writable = _shell(image, f"{find} -perm -o+w -not -type l", "--user", "0")
    assert set(writable.split()) <= {"/tmp", "/var/tmp"}  # noqa: S108


def test_the_image_contains_the_service_without_tests_and_documents(image: str) -> None:
    """Only these three are copied."""
    assert _shell(image, "ls -A /service").split() == ["deploy", "main", "requirements.txt"]


def test_the_image_lacks_build_tools(image: str) -> None:
    """An intruder finds no compiler and no installer."""
    programs = "cc gcc musl-gcc make pip pip3 uv git"
    found = _shell(image, f"for each in {programs}; do command -v $each; done; true")
    assert found == ""


def test_the_image_lacks_python_installers(image: str) -> None:
    """Neither pip nor its bootstrapper can be imported."""
    search = "from importlib.util import find_spec; print(*map(find_spec, ['pip', 'ensurepip']))"
    assert _shell(image, f'python -c "{search}"') == "None None\n"


def test_the_image_contains_no_package_cache(image: str) -> None:
    """Neither apk nor pip leaves files behind."""
    assert _shell(image, "find /var/cache/apk /root -mindepth 1", "--user", "0") == ""


def test_every_module_of_the_service_is_compiled(image: str) -> None:
    """Containers are read-only, so no process could write compiled modules."""
    sources = int(_shell(image, "find /service/main -name '*.py' | wc -l"))
    compiled = int(_shell(image, "find /service/main -name '*.pyc' | wc -l"))
    assert compiled == sources > 10


def test_the_image_adds_little_to_its_base(image: str) -> None:
    """The base image is counted once for all services."""
    size, base_size = (engine.inspect(name, "image")["Size"] for name in (image, BASE))
    assert size - base_size < MAX_ADDED_BYTES


def test_labels_contain_the_answers_unchanged(tmp_path: Path) -> None:
    """Characters that a Dockerfile or a shell would expand are escaped."""
    answers = {
        "service_slug": "odd",
        "description": f"{HOSTILE} {EXPANDED}",
        "owner": 'O\'Neil \\$ & "x"',
    }
    config = engine.inspect(build_image(bake(tmp_path, **answers)), "image")["Config"]
    prefix = "org.opencontainers.image."
    assert config["Labels"][prefix + "title"] == "odd"
    assert config["Labels"][prefix + "description"] == answers["description"]
    assert config["Labels"][prefix + "authors"] == answers["owner"]


def test_the_configuration_names_ports_and_user(image: str) -> None:
    """Engines and clusters read them from the image."""
    config = engine.inspect(image, "image")["Config"]
    assert set(config["ExposedPorts"]) == {"8080/tcp", "8081/tcp"}
    assert config["User"] == "10001:10001"


def test_a_change_of_code_rebuilds_only_the_layers_of_the_code(image: str, tmp_path: Path) -> None:
    """Packages are not installed again."""
    before = engine.inspect(image, "image")["RootFS"]["Layers"]
    project = bake(tmp_path)
    with (project / "main" / "wsgi.py").open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")
    after = engine.inspect(build_image(project), "image")["RootFS"]["Layers"]
    unchanged = [layer for layer, other in zip(before, after, strict=True) if layer == other]
    assert after[: len(unchanged)] == unchanged
    # The code, and its compiled modules.
    assert 0 < len(after) - len(unchanged) <= 2
