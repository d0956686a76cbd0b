"""Bad answers are refused: no file is written, and one sentence names the rule."""

import tempfile
from pathlib import Path

import pytest
from cookiecutter.exceptions import CookiecutterException, FailedHookException
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateError

from harness.answers import EXPLORE, REFUSED, accepted_texts
from harness.project import ROOT, bake, bake_over, contents, run_cookiecutter

BRACES = st.sampled_from(["{", "}", "{{", "{% if", "{#"])
LINE_BREAKS_AND_CONTROLS = st.sampled_from(["\n", "\r", "\t", "\0", "\x7f", "\x85"])
UNPRINTABLE = st.characters(categories=["Cc", "Cf", "Cs", "Co", "Zl", "Zp"])


@pytest.mark.parametrize(("question", "answer", "message"), REFUSED.values(), ids=REFUSED)
def test_a_bad_answer_is_refused_in_one_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], question: str, answer: str, message: str
) -> None:
    """The hook prints to stderr."""
    folder = tmp_path / "folder"
    with pytest.raises(FailedHookException):
        bake(folder, **{question: answer})
    printed = capfd.readouterr().err
    assert printed.startswith(message)
    assert printed.endswith(".\n")
    assert printed.count("\n") == 1
    assert list(tmp_path.rglob("*")) == [folder]


@pytest.mark.parametrize("case", ["blank", "invalid UTF-8", "expression", "slug: sibling folder"])
def test_the_command_fails_with_only_that_sentence_on_stderr(tmp_path: Path, case: str) -> None:
    """Cookiecutter prints its own traceback to stdout."""
    question, answer, message = REFUSED[case]
    folder = tmp_path / "folder"
    folder.mkdir()
    done = run_cookiecutter("--no-input", str(ROOT), f"{question}={answer}", cwd=folder)
    assert done.returncode == 1
    assert done.stderr.startswith(message)
    assert done.stderr.endswith(".\n")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.rglob("*")) == [folder]


@pytest.mark.parametrize(
    ("question", "answer", "message"),
    [
        ("owner", "{% x", "unknown tag 'x'"),
        ("owner", "{{ nobody }}", "'nobody' is undefined"),
        ("owner", "{{ 7 / 0 }}", "division by zero"),
        ("cache_backend", "tape", "the choices are"),
    ],
)
def test_an_answer_that_cookiecutter_rejects_makes_no_project(
    tmp_path: Path, question: str, answer: str, message: str
) -> None:
    """Cookiecutter fails before it runs a hook, with an error of its own."""
    with pytest.raises(Exception, match=message):
        bake(tmp_path, **{question: answer})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("question", "answer"), [("owner", "{"), ("service_slug", "my-service/main")]
)
def test_a_refusal_changes_no_existing_file(tmp_path: Path, question: str, answer: str) -> None:
    """Even if cookiecutter may overwrite files."""
    project = bake(tmp_path)
    (project / "main" / "mine.py").write_text("mine = True\n")
    before = contents(tmp_path)
    with pytest.raises(FailedHookException):
        bake_over(tmp_path, **{question: answer})
    assert contents(tmp_path) == before


@given(
    question=st.sampled_from(["service_name", "description", "owner"]),
    text=accepted_texts(40),
    bad=BRACES | LINE_BREAKS_AND_CONTROLS | UNPRINTABLE,
    position=st.integers(0, 40),
)
@EXPLORE
def test_one_bad_character_anywhere_is_refused(
    question: str, text: str, bad: str, position: int
) -> None:
    """A template error is cookiecutter's own, raised before the hook runs."""
    with tempfile.TemporaryDirectory() as folder:
        answer = f"x{text[:position]}{bad}{text[position:]}x"
        with pytest.raises((CookiecutterException, TemplateError)):
            bake(Path(folder), **{"service_slug": "shop", question: answer})
        assert not list(Path(folder).iterdir())


@given(slug=st.text(max_size=50) | st.text(st.sampled_from("ab-./\\"), max_size=50))
@EXPLORE
def test_no_slug_writes_outside_its_own_folder(slug: str) -> None:
    """A slug that is accepted names the folder; any other makes none."""
    with tempfile.TemporaryDirectory() as outer:
        inner = Path(outer) / "inner"
        try:
            bake(inner, service_slug=slug)
        except (CookiecutterException, TemplateError):
            assert list(Path(outer).rglob("*")) == [inner]
        else:
            assert list(inner.iterdir()) == [inner / slug]
            assert list(Path(outer).iterdir()) == [inner]
