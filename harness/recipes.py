"""Apply the recipes in the documents of a service as a team's developer would."""

import re
from hashlib import sha256
from pathlib import Path

from harness.environment import run
from harness.project import replace_once

BLOCK = re.compile(
    r"^```python\n# (\S+\.py)(?:, (above|below) \"([^\"]+)\")?\n(.*?)^```$", re.M | re.S
)
CHANGE = re.compile(r"^\| `([^`]+)`.* \| `(.+)` \| `(.+)` \|$", re.M)
# The output of `make test` about a setting that the documents do not describe.
ADVICE = re.compile(r"^(?:E +)?Add this line to (\S+), beside the others:\n(?:E +)?(.+)$", re.M)


def documents(project: Path) -> list[Path]:
    """Return the files of the recipes; a service with access tokens has no API keys."""
    files = [project / "docs" / name for name in ("database.md", "recipes.md", "api-keys.md")]
    return [file for file in files if file.exists()]


def titles(project: Path) -> list[str]:
    """Return the titles of all recipes."""
    return re.findall(r"^## (.+)$", _text(project), re.MULTILINE)


def section(project: Path, title: str) -> str:
    """Return the text of the recipe whose title contains `title`."""
    sections = _text(project).split("\n## ")[1:]
    (found,) = (each for each in sections if title in each.partition("\n")[0])
    return found


def _text(project: Path) -> str:
    """Return the text of all documents."""
    return "\n".join(file.read_text("utf-8") for file in documents(project))


def apply(project: Path, title: str) -> None:
    """Write the files that a recipe shows, insert its lines, and make its changes."""
    recipe = section(project, title)
    for name, where, anchor, block in BLOCK.findall(recipe):
        path = project / name
        if where:
            insert(path, where, anchor, block)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block, "utf-8")
    for name, now, then in CHANGE.findall(recipe):
        replace_once(project / name, {now: then})


def insert(path: Path, where: str, anchor: str, block: str) -> None:
    """Insert a block above or below the one line that contains `anchor`, its imports at the top."""
    first = next(n for n, line in enumerate(block.splitlines()) if line.startswith(" "))
    everything = block.splitlines(keepends=True)
    imports, lines = "".join(everything[:first]), "".join(everything[first:])
    text = path.read_text("utf-8")
    before, line, after = re.split(rf"^(.*{re.escape(anchor)}.*\n)", text, flags=re.MULTILINE)
    text = before + (lines + line if where == "above" else line + lines) + after
    path.write_text(re.sub(r"^(?=import |from )", imports, text, count=1, flags=re.M), "utf-8")


def prepare(project: Path, *names: str) -> None:
    """Apply the recipes with these titles; declare, document and set what they need; format."""
    for title in names:
        apply(project, title)
    if any("jobs" in title for title in names):
        _declare(project, "APP_QUEUE_URL", "None")
        _require(project, "APP_QUEUE_URL", _named(project, "redis:"))
    if any("Sentry" in title for title in names):
        _declare(project, "APP_SENTRY_DSN", '""')
    if any("database" in title for title in names):
        _require(project, "APP_DATABASE_URL", _named(project, "sqlite:"))
    if any("API key" in title for title in names):
        _require(project, "APP_API_KEY_DIGESTS", sha256(b"test-key").hexdigest())
    if any("OpenTelemetry" in title for title in names):
        _give_tests(project, "OTEL_SDK_DISABLED", "true")
    document_settings(project)
    run(project, "make", "format")


def document_settings(project: Path) -> None:
    """Add the lines to the documents that their test asks for."""
    for name, line in ADVICE.findall(_advice(project)):
        path = project / name
        lines = path.read_text("utf-8").splitlines(keepends=True)
        start = line[: line.index("_")]
        first = next(index for index, each in enumerate(lines) if each.startswith(start))
        path.write_text("".join([*lines[:first], f"{line}\n", *lines[first:]]), "utf-8")


def _named(project: Path, start: str) -> str:
    """Return the first URL in the documents that begins with `start`."""
    (first, *_) = re.findall(rf"`({start}[^`]+)`", _text(project))
    return str(first)


def _require(project: Path, name: str, value: str) -> None:
    """Give tests this value of a setting, and deployments a file with it."""
    _give_tests(project, name, value)
    mount(project, name)


def mount(project: Path, name: str) -> None:
    """Name the file with the value of a setting in all deployments."""
    for file, line, setting in (
        ("docker-compose.yml", "RUN_DIR: /tmp", f"{name}_FILE: /run/secrets/{name}"),
        (
            "deploy/k8s/kustomization.yaml",
            "- APP_LOG_LEVEL=INFO",
            f"- {name}_FILE=/run/secrets/service/{name}",
        ),
    ):
        replace_once(project / file, {line: f"{line}\n      {setting}"})


def _give_tests(project: Path, name: str, value: str) -> None:
    """Set a variable for the tests of the service."""
    start = "ENVIRONMENT = {"
    replace_once(project / "test" / "__init__.py", {start: f'{start}\n"{name}": "{value}",\n'})


def _declare(project: Path, name: str, default: str) -> None:
    """Declare a setting like the one of the recipe for a database."""
    field = name.removeprefix("APP_").lower()
    declaration = (
        f'    {field}: str = setting("{name}", {default}, str, "An address.", secret=True)\n'
    )
    block = f"from main.util.config import setting\n\n{declaration}"
    insert(project / "main" / "settings.py", "below", "besides those of", block)


def _advice(project: Path) -> str:
    """Return what the tests of the documents print."""
    return run(project, "sh", "-c", "python -m unittest test.test_settings || true")
