"""A service whose texts contain quotes, tags and backslashes works like any other."""

import json
from pathlib import Path

import pytest

from harness.answers import HOSTILE
from harness.environment import run
from harness.project import Bake

ANSWERS = {"service_name": HOSTILE, "description": HOSTILE, "owner": HOSTILE}
PRINT_API_INFORMATION = """
import json
from main.application import create_app
document = create_app().test_client().get("/docs/openapi.json").get_json()
print(json.dumps(document["info"]))
"""


@pytest.fixture
def project(installed: Bake) -> Path:
    """Return the service, installed."""
    return installed(**ANSWERS)


def test_the_api_document_shows_hostile_texts_unchanged(project: Path) -> None:
    """After TOML, Python and JSON."""
    output = run(project, "python", "-c", PRINT_API_INFORMATION)
    assert json.loads(output.splitlines()[-1]) == {
        "title": HOSTILE,
        "version": "0.1.0",
        "description": HOSTILE,
        "contact": {"name": HOSTILE},
    }


@pytest.mark.full
def test_a_service_with_hostile_texts_passes_its_tests_and_lint(project: Path) -> None:
    """The texts break neither code nor settings of the tools."""
    run(project, "make", "test", "lint")
