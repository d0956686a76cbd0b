"""The Python code of a service's README works as it is printed."""

import re
from pathlib import Path

import pytest

from harness import recipes
from harness.environment import install, run
from harness.project import bake, replace_once
from harness.readme import SHOWN_FILE, python_block, write_shown_files

# The names that the examples of helpers use, and the upstream that they call.
BEFORE = """
from dataclasses import dataclass

import responses

from main.service.primes import smallest_factor


@dataclass
class Rate:
    value: float


fetch, urls, numbers, token = len, ["one", "three"], [9, 7], "secret"
responses.start()
responses.get("https://rates.example/v2/rates/EUR", json={"value": 1.1})
"""
AFTER = """
assert (pages, factors, rate) == ([3, 5], [3, 7], Rate(1.1))
assert exchange_rate.cache_key("EUR")
assert responses.calls[0].request.headers["Authorization"] == "Bearer secret"
"""
HELPERS = ("exchange_rate", "thread_map", "Bearer(token)")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bake and install a service."""
    return install(bake(tmp_path_factory.mktemp("readme")))


def test_every_block_is_run(project: Path) -> None:
    """A new one needs a test here."""
    text = (project / "README.md").read_text("utf-8")
    assert text.count("```python\n") == len(SHOWN_FILE.findall(text)) + len(HELPERS) + 1


def test_the_examples_of_the_helpers_run(project: Path) -> None:
    """One after the other, in one script."""
    blocks = [python_block(project / "README.md", text) for text in HELPERS]
    script = "\n".join([BEFORE, *blocks, AFTER])
    main = "".join(f"    {line}\n" for line in script.splitlines())
    (project / "example.py").write_text(f"if __name__ == '__main__':\n{main}", "utf-8")
    try:
        run(project, "python", "example.py")
    finally:
        (project / "example.py").unlink()


def test_links_lead_to_headings(project: Path) -> None:
    """Between the documents of the service."""
    for document in (project / "README.md", *(project / "docs").glob("*.md")):
        links = re.findall(r"\]\(([^)#]*\.md)(?:#([^)]+))?\)", document.read_text("utf-8"))
        for path, anchor in links:
            target = (document.parent / path).read_text("utf-8")
            headings = re.findall(r"^#+ (.+)$", target, re.MULTILINE)
            slugs = [re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings]
            assert not anchor or anchor in slugs, (document.name, anchor)


def test_an_endpoint_and_a_setting_pass_the_checks_of_the_service(project: Path) -> None:
    """As the README adds them. Before tests have the setting, one error says so."""
    write_shown_files(project)
    controllers = project / "main" / "controller" / "__init__.py"
    replace_once(
        controllers,
        {
            "controller import ": "controller import books, ",
            "API_BLUEPRINTS = (": "API_BLUEPRINTS = (books.blueprint, ",
        },
    )
    setting = python_block(project / "README.md", "rates_token")
    recipes.insert(project / "main" / "settings.py", "below", "service's own settings", setting)
    with pytest.raises(AssertionError) as raised:
        run(project, "make", "test")
    assert str(raised.value).count("APP_RATES_TOKEN must be set") == 1
    assert "add it to ENVIRONMENT in" in str(raised.value)
    assert "Traceback" not in str(raised.value)
    given = {"ENVIRONMENT = {": 'ENVIRONMENT = {"APP_RATES_TOKEN": "x", '}
    replace_once(project / "test" / "__init__.py", given)
    recipes.mount(project, "APP_RATES_TOKEN")
    recipes.document_settings(project)
    run(project, "make", "format", "lint", "test")
    assert "rates_token" in (project / "main" / "settings.py").read_text("utf-8")
