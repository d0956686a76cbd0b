"""Rules that keep the template's source readable and portable."""

import difflib
import re
from pathlib import Path

import pytest

from harness.project import CHOICES, CONTEXT, FILES_WITH_TAGS, ROOT, TEMPLATE, combinations

FILES = sorted(path for path in TEMPLATE.rglob("*") if path.is_file())
OPTIONS = TEMPLATE / "_options"
# Neither these choices nor these pairs add a file.
WITHOUT_FOLDER = {"ci/none", "auth+sample_api/none+no", "auth+sample_api/jwt+no"}
# Files that several choices of an option add, but not all of them.
COPIES = {"main/util/cache/timed_socket.py", "requirements.in", "requirements.txt"}
# Short enough to be read before it is run.
MAX_HOOK_LINES = 60


def name(path: Path) -> str:
    """Return the path within the template."""
    return path.relative_to(TEMPLATE).as_posix()


def text(path: Path) -> str:
    """Return the file's text."""
    return path.read_text("utf-8")


def test_python_and_option_files_contain_no_jinja() -> None:
    """They can be opened, linted and read as they are, and cookiecutter copies them unrendered."""
    copied = [path for path in FILES if path.suffix == ".py" or OPTIONS in path.parents]
    assert not [name(path) for path in copied if re.search(r"cookiecutter\.|\{%", text(path))]
    assert {"_options", "*.py"} <= set(CONTEXT["_copy_without_render"])


def test_tags_are_alone_on_their_line_and_only_in_lists() -> None:
    """A tag elsewhere leaves traces in the rendered file."""
    with_tags = [path for path in FILES if re.search(r"\{[%#]", text(path))]
    assert {name(path) for path in with_tags} <= FILES_WITH_TAGS
    for path in with_tags:
        for line in text(path).splitlines():
            if re.search(r"\{[%#]|[%#]\}", line):
                assert re.fullmatch(r"\s*\{% [^%]+ %\}", line), f"{name(path)}: {line}"


def test_only_the_project_folder_has_a_rendered_name() -> None:
    """A name that renders to nothing would be written to another folder."""
    assert not [name(path) for path in TEMPLATE.rglob("*") if re.search("[{}%]", name(path))]


def test_the_template_contains_no_symbolic_links() -> None:
    """Git on Windows checks them out as text files."""
    assert not [name(path) for path in TEMPLATE.rglob("*") if path.is_symlink()]


def test_the_template_contains_no_leftovers_of_tools() -> None:
    """A bake would copy caches and environments."""
    leftover = re.compile(r"(^|/)(__pycache__|\.\w+_cache|\.coverage|\.venv)(/|$)")
    assert not [name(path) for path in FILES if leftover.search(name(path))]


def test_the_template_contains_no_empty_folders() -> None:
    """Git keeps none, so a bake from a clone would differ."""
    folders = [path for path in TEMPLATE.rglob("*") if path.is_dir()]
    assert not [name(folder) for folder in folders if not any(folder.iterdir())]


def test_choices_and_option_folders_correspond() -> None:
    """A folder of an option has one for each choice; that of a pair, one for each pair."""
    folders = {path.relative_to(OPTIONS).as_posix() for path in OPTIONS.glob("*/*")}
    expected = {
        f"{names}/{'+'.join(combination.values())}"
        for names in {*CHOICES, *(path.name for path in OPTIONS.iterdir())}
        for combination in combinations(*names.split("+"))
    }
    assert folders == expected - WITHOUT_FOLDER


def test_a_file_that_two_choices_share_is_common() -> None:
    """Except for files that only some choices have, or have in the same version."""
    copies = set()
    for option in OPTIONS.iterdir():
        versions: dict[str, list[bytes]] = {}
        for path in option.rglob("*"):
            if path.is_file():
                target = path.relative_to(option).as_posix().split("/", 1)[1]
                versions.setdefault(target, []).append(path.read_bytes())
        copies |= {path for path, texts in versions.items() if len(texts) > len(set(texts))}
    assert copies == COPIES


def test_a_file_of_both_auth_choices_differs_only_by_added_lines() -> None:
    """A change of one that is not made to the other fails."""
    for folder in OPTIONS.glob("auth*"):
        for path in (each for each in folder.glob("none*/**/*.[ip][ny]*") if each.is_file()):
            choices, _, file = path.relative_to(folder).as_posix().partition("/")
            other = folder / choices.replace("none", "jwt") / file
            lines = difflib.ndiff(text(path).splitlines(), text(other).splitlines())
            assert not [line for line in lines if line.startswith("-")], name(other)


def test_one_option_writes_each_path() -> None:
    """Otherwise the result would depend on the order of the options."""
    writers: dict[str, set[str]] = {}
    for path in FILES:
        writer, target = "common", name(path)
        if target.startswith("_options/"):
            _, writer, _, target = target.split("/", 3)
        writers.setdefault(target, set()).add(writer)
    assert not {target: sorted(names) for target, names in writers.items() if len(names) > 1}


def test_hooks_are_short_and_valid_python_before_rendering() -> None:
    """So the template's linters read them, too."""
    for hook in sorted((ROOT / "hooks").glob("*.py")):
        compile(text(hook), hook, "exec")
        assert len(text(hook).splitlines()) <= MAX_HOOK_LINES


@pytest.mark.parametrize("folder", ["benchmarks", "harness", "tests", "tools"])
def test_imports_follow_the_layout(folder: str) -> None:
    """Nothing imports a test module, and the harness imports none of its users."""
    forbidden = r"tests\.[\w.]*test_|tests\.conftest"
    if folder == "harness":
        forbidden = r"(tests|tools|benchmarks)\b"
    for path in (ROOT / folder).rglob("*.py"):
        source = path.read_text("utf-8")
        found = re.findall(rf"^\s*(?:from|import) {forbidden}.*", source, re.MULTILINE)
        assert not found, path
