"""Every combination of choices: exactly its files, whole, and nothing of the other choices."""

import configparser
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from pytest_cookies.plugin import Cookies

from harness.project import (
    CHOICES,
    ROOT,
    TEMPLATE,
    Bake,
    bake,
    combinations,
    contents,
    label,
    run_cookiecutter,
)

# What every service has, and what a choice adds to it.
COMMON = """
    .checkov.yaml .cookiecutterrc .coveragerc .dockerignore .editorconfig .env.example
    .gitattributes .gitignore Dockerfile Makefile README.md docker-compose.yml pyproject.toml
    requirements-dev.in requirements-dev.txt requirements-tools.in requirements-tools.txt
    sonar-project.properties
    deploy/entrypoint.sh deploy/json_lines.py deploy/nginx.conf deploy/uwsgi.ini
    deploy/k8s/availability.yaml deploy/k8s/deployment.yaml deploy/k8s/kustomization.yaml
    deploy/k8s/network.yaml deploy/k8s/service.yaml
    main/__init__.py main/application.py main/settings.py main/wsgi.py
    main/controller/__init__.py main/controller/docs.py main/controller/health.py
    main/resources/__init__.py main/resources/defaults.toml main/resources/logging.json
    main/resources/docs/docs.css main/resources/docs/index.html main/resources/docs/init.js
    main/service/__init__.py
    main/util/__init__.py main/util/cache.py main/util/cache_backend.py main/util/cache_codec.py
    main/util/concurrency.py main/util/config.py main/util/deadline.py main/util/http.py
    main/util/http_session.py main/util/lanes.py main/util/logs.py main/util/metrics.py
    main/util/pools.py main/util/problems.py main/util/schema.py main/util/timing.py
    requirements.in requirements.txt
    test/__init__.py test/case.py test/store.py test/suite.py
    test/test_settings.py test/test_wsgi.py
    test/controller/__init__.py test/controller/test_docs.py test/controller/test_health.py
    test/service/__init__.py
    test/util/__init__.py test/util/test_cache.py test/util/test_cache_backend.py
    test/util/test_cache_codec.py test/util/test_concurrency.py test/util/test_config.py
    test/util/test_deadline.py test/util/test_http.py test/util/test_lanes.py
    test/util/test_logs.py test/util/test_metrics.py test/util/test_pools.py
    test/util/test_problems.py test/util/test_schema.py test/util/test_timing.py
"""
ADDED = {
    "sample_api=yes": """
        main/controller/hello.py main/controller/pages.py main/controller/primes.py
        main/service/pages.py main/service/primes.py
        test/controller/test_hello.py test/controller/test_pages.py test/controller/test_primes.py
        test/resources/primes.json
        test/service/test_pages.py test/service/test_primes.py
    """,
    "cache_backend=file": "deploy/k8s/cache.yaml",
    "cache_backend=memcached": "deploy/k8s/cache.yaml",
    "cache_backend=redis": "deploy/k8s/cache.yaml",
    "ci=github": ".github/workflows/ci.yml .github/dependabot.yml",
    "ci=gitlab": ".gitlab-ci.yml renovate.json",
}
# Words that only a service with this choice may hold, whatever their case.
TELLING = {
    "cache_backend=memory": r"cachetools|LRUCache|worker keeps",
    "cache_backend=file": r"cachelib|FileSystemCache|fcntl|APP_CACHE_DIR|/var/cache",
    "cache_backend=memcached": r"memcache|CACHE_SERVERS",
    "cache_backend=redis": r"redis|valkey|CACHE_URL",
    "cache_backend=uwsgi": r"\bcache2|cache_update|64 KiB",
    "sample_api=yes": r"\bhello|\bprimes?\b|/pages|test_pages|UPSTREAM_URLS",
    "ci=github": r"github",
    "ci=gitlab": r"gitlab",
}
OPTIONS = TEMPLATE / "_options"
EVERY = pytest.mark.parametrize("answers", combinations(), ids=label)


def texts(project: Path) -> dict[str, str]:
    """Return the text of each file, without the hashes in lock files, which spell anything."""
    return {
        path: re.sub("sha256:[0-9a-f]{64}", "sha256", held.decode("utf-8"))
        for path, held in contents(project).items()
    }


@EVERY
def test_it_has_exactly_its_files(cookies: Cookies, answers: dict[str, str]) -> None:
    """No file is missing, none is left of another choice or of the template's own folders."""
    result = cookies.bake(extra_context=answers)
    assert result.exception is None
    assert result.project_path.name == "my-service"
    chosen = (ADDED.get(f"{option}={choice}", "") for option, choice in answers.items())
    expected = " ".join((COMMON, *chosen)).split()
    assert sorted(contents(result.project_path)) == sorted(expected)


@EVERY
def test_it_holds_no_word_of_other_choices(baked: Bake, answers: dict[str, str]) -> None:
    """Nobody reads of what was not chosen; what was chosen is there."""
    held = "\n".join(f"{path}\n{text}" for path, text in texts(baked(**answers)).items())
    for option, choices in CHOICES.items():
        for choice in choices:
            if telling := TELLING.get(f"{option}={choice}"):
                found = re.findall(telling, held, re.IGNORECASE)
                assert bool(found) == (answers[option] == choice), found


@EVERY
def test_it_shows_no_scars(baked: Bake, answers: dict[str, str]) -> None:
    """A reader cannot tell that the project was rendered, and diffs begin clean."""
    for path, text in texts(baked(**answers)).items():
        # An expression of a workflow is the one thing that may look like a tag.
        tags = text.replace("${{", "")
        assert not re.search(r"cookiecutter\.[a-z_]|_options/|\{\{|\{%|%\}|\{#", tags), path
        assert "\r" not in text, path
        assert not re.search(r"[ \t]$", text, re.MULTILINE), path
        assert "\n\n\n\n" not in text, path
        assert not text.startswith("\n"), path
        assert not text or re.search(r"[^\n]\n\Z", text), path
        # The line of a tag leaves nothing, not even a blank one.
        if (TEMPLATE / path).exists():
            source = (TEMPLATE / path).read_text("utf-8")
            assert text.count("\n\n") <= source.count("\n\n"), path


@EVERY
def test_its_data_files_parse(baked: Bake, answers: dict[str, str]) -> None:
    """Each by a parser of its format."""
    kinds = set()
    for path, text in texts(baked(**answers)).items():
        kinds.add(kind := Path(path).suffix)
        if kind in {".yml", ".yaml"}:
            assert list(yaml.safe_load_all(text))
        elif kind == ".toml":
            assert tomllib.loads(text)
        elif kind == ".json":
            assert json.loads(text)
        elif kind == ".ini" or path in {".coveragerc", ".editorconfig"}:
            # uWSGI repeats keys; .editorconfig has one above the first section.
            parser = configparser.ConfigParser(strict=False, interpolation=None)
            parser.read_string(f"[top]\n{text}")
            assert len(parser.sections()) > 1
        elif kind == ".properties" or path == ".env.example":
            lines = [line for line in text.splitlines() if line and not line.startswith("#")]
            assert [re.fullmatch(r"[\w.]+=.*", line) for line in lines].count(None) == 0
    assert {".yml", ".toml", ".json", ".ini", ".properties"} <= kinds


def test_expressions_of_workflows_survive(baked: Bake) -> None:
    """GitHub's braces are not the template's."""
    workflow = texts(baked(ci="github"))[".github/workflows/ci.yml"]
    assert "${{ github.ref }}" in workflow


def test_scripts_can_be_run(baked: Bake) -> None:
    """What has a first line for an interpreter, and only that, is executable."""
    project = baked()
    scripts = {path for path, held in contents(project).items() if held.startswith(b"#!")}
    assert scripts == {"deploy/entrypoint.sh"}
    assert scripts == {path for path in contents(project) if os.access(project / path, os.X_OK)}


def test_versions_of_python_agree(baked: Bake) -> None:
    """The pipelines test on the version that the image runs."""
    pinned = set()
    for answers in combinations("ci"):
        for path in ("Dockerfile", ".github/workflows/ci.yml", ".gitlab-ci.yml"):
            text = texts(baked(**answers)).get(path, "")
            pinned |= set(re.findall(r'python(?::|-version: ")(\d+\.\d+)', text))
    assert len(pinned) == 1


@EVERY
def test_the_slug_and_the_texts_reach_few_files(
    baked: Bake, tmp_path: Path, answers: dict[str, str]
) -> None:
    """What is code, or configures a server, is the same file for everybody."""
    texts = {"service_name": "Zebra", "description": "Counts zebras.", "owner": "Zebra crew"}
    other = contents(bake(tmp_path, **answers, **texts, service_slug="z" + "9" * 39))
    mine = contents(baked(**answers))
    assert mine.keys() == other.keys()
    assert {path for path in mine if mine[path] != other[path]} == {
        ".cookiecutterrc",
        "Dockerfile",
        "Makefile",
        "README.md",
        "deploy/k8s/kustomization.yaml",
        "docker-compose.yml",
        "main/resources/defaults.toml",
        "sonar-project.properties",
    }


@EVERY
def test_baking_twice_gives_the_same(baked: Bake, tmp_path: Path, answers: dict[str, str]) -> None:
    """To the byte, elsewhere and over what is there."""
    first = contents(baked(**answers))
    project = bake(tmp_path, **answers)
    assert contents(project) == first
    (project / "main" / "settings.py").unlink()
    asked = [f"{option}={choice}" for option, choice in answers.items()]
    again = run_cookiecutter("--no-input", "--overwrite-if-exists", str(ROOT), *asked, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert contents(project) == first


def test_a_bake_opens_no_connection(tmp_path: Path) -> None:
    """Neither cookiecutter nor a hook may make a socket."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "def deny(event, arguments):\n"
        "    if event.startswith('socket.'):\n"
        "        raise PermissionError(event)\n"
        "sys.addaudithook(deny)\n"
    )
    offline = {"PYTHONPATH": str(tmp_path)}
    probe = [sys.executable, "-c", "import socket; socket.socket()"]
    assert subprocess.run(probe, env=offline, capture_output=True, check=False).returncode == 1
    baked = run_cookiecutter("--no-input", str(ROOT), cwd=tmp_path, **offline)
    assert baked.returncode == 0, baked.stderr
    assert (tmp_path / "my-service" / "Makefile").is_file()


def test_the_second_hook_may_run_again(baked: Bake, tmp_path: Path) -> None:
    """Tools that update projects run it several times, also where nothing is left to do."""
    project = bake(tmp_path)
    before = contents(project)
    hook = (ROOT / "hooks" / "post_gen_project.py").read_text("utf-8")
    answers = json.dumps({option: choices[0] for option, choices in CHOICES.items()})
    script = re.sub(r"\{\{.*?\}\}", lambda _: answers, hook)
    for _ in range(2):
        subprocess.run([sys.executable, "-c", script], cwd=project, check=True)
        assert contents(project) == before
    # And over what an earlier version of the template rendered.
    for path in ("main/settings.py", "_options/sample_api/yes/main/settings.py"):
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(path)
    subprocess.run([sys.executable, "-c", script], cwd=project, check=True)
    assert set(contents(project)) == set(before)
    assert contents(project)["main/settings.py"].startswith(b"_options/")


def test_a_choice_changes_only_what_is_its_own(baked: Bake) -> None:
    """Two services that differ in one answer differ in its files and the lists that name them."""
    for answers in combinations():
        for option, choices in CHOICES.items():
            for choice in set(choices) - {answers[option]}:
                one, two = (
                    contents(baked(**answers)),
                    contents(baked(**{**answers, option: choice})),
                )
                differing = {path for path in {*one, *two} if one.get(path) != two.get(path)}
                own = set()
                for folder in (OPTIONS / option / choice, OPTIONS / option / answers[option]):
                    own |= {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
                assert differing <= own | MAY_HOLD_TAGS | {".cookiecutterrc"}
