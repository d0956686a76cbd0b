"""Answers: what is refused and how, and that all others are data wherever they appear."""

import json
import re
import tempfile
import tomllib
from pathlib import Path

import pytest
import yaml
from cookiecutter.exceptions import CookiecutterException
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jinja2 import TemplateError
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml

from harness.environment import run
from harness.project import BUILD, ROOT, Bake, bake, contents, run_cookiecutter

HOSTILE = r"""O'Keefe & "Söhne" \ <b>"""
SLUG = "service_slug must have 2 to 40 characters of a-z, 0-9 and '-', begin with a letter"
PRINTABLE = "must be one line of printable characters without blanks around it"

# name of the case: question, answer, how the refusal begins
REFUSED = {
    "no name": ("service_name", "", "service_name must be a text that is not empty"),
    "blank": ("description", "   ", "description must be a text that is not empty"),
    "long name": ("service_name", "n" * 61, "service_name must have at most 60 characters"),
    "long description": ("description", "d" * 201, "description must have at most 200 characters"),
    "long owner": ("owner", "o" * 61, "owner must have at most 60 characters"),
    "newline": ("owner", "a\nb", f"owner {PRINTABLE}"),
    "escape": ("owner", "a\x1b[31mb", f"owner {PRINTABLE}"),
    "direction": ("owner", "a\u202eb", f"owner {PRINTABLE}"),
    "zero width": ("owner", "a\u200bb", f"owner {PRINTABLE}"),
    "no UTF-8": ("owner", "a\udcffb", f"owner {PRINTABLE}"),
    "blanks around": ("owner", " a", f"owner {PRINTABLE}"),
    "brace": ("owner", "a } b", "owner must be without braces"),
    "expression": ("owner", "{{ 7*7 }}", "owner must be without braces"),
    "other answer": ("owner", "{{ cookiecutter.service_name }}", "owner must be without braces"),
    "comment": ("service_name", "a{# b #}", "service_name must be without braces"),
    "slug: none": ("service_slug", "", SLUG),
    "slug: one letter": ("service_slug", "a", SLUG),
    "slug: too long": ("service_slug", "a" * 41, SLUG),
    "slug: longer than a file's name": ("service_slug", "a" * 3000, SLUG),
    "slug: capitals": ("service_slug", "Billing", SLUG),
    "slug: digit first": ("service_slug", "3d", SLUG),
    "slug: hyphen first": ("service_slug", "-ab", SLUG),
    "slug: hyphen last": ("service_slug", "ab-", SLUG),
    "slug: blank": ("service_slug", "a b", SLUG),
    "slug: underscore": ("service_slug", "a_b", SLUG),
    "slug: not ASCII": ("service_slug", "zoë", SLUG),
    "slug: not UTF-8": ("service_slug", "zo\udcff", SLUG),
    "slug: newline": ("service_slug", "ab\n", SLUG),
    "slug: folders": ("service_slug", "a/b/c", SLUG),
    "slug: folders of Windows": ("service_slug", "a\\b", SLUG),
    "slug: folder beside": ("service_slug", "../ab", SLUG),
    "slug: this folder": ("service_slug", ".", SLUG),
    "slug: root": ("service_slug", "/", SLUG),
    "slug: expression": ("service_slug", "{{ 7*7 }}", SLUG),
    "slug: of a name without letters": ("service_name", "👍", SLUG),
    **{
        f"reserved: {word}": ("service_slug", word, f"service_slug must not be '{word}'")
        for word in ("con", "com1", "lpt9", "main", "test", "no", "null", "localhost")
    },
}


@pytest.mark.parametrize(("question", "answer", "beginning"), REFUSED.values(), ids=REFUSED)
def test_a_bad_answer_is_refused_in_one_sentence(
    tmp_path: Path, question: str, answer: str, beginning: str
) -> None:
    """Exit 1, no folder, and the sentence on stderr; what stands on stdout is cookiecutter's."""
    folder = tmp_path / "here"
    folder.mkdir()
    baked = run_cookiecutter("--no-input", str(ROOT), f"{question}={answer}", cwd=folder)
    assert baked.returncode == 1
    # The framework ends what it prints of its own, a traceback, on stdout.
    assert baked.stderr.startswith(beginning)
    assert baked.stderr.endswith(".\n")
    assert baked.stderr.count("\n") == 1
    assert list(tmp_path.rglob("*")) == [folder]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("owner={% x", "TemplateSyntaxError"),
        ("owner={{ nobody }}", "'nobody' is undefined"),
        ("owner={{ 7 / 0 }}", "ZeroDivisionError"),
        ("cache_backend=tape", "the choices are"),
    ],
)
def test_what_cookiecutter_cannot_take_makes_no_project(
    tmp_path: Path, answer: str, said: str
) -> None:
    """These fail before any hook is run: the words, and a traceback, are cookiecutter's."""
    baked = run_cookiecutter("--no-input", str(ROOT), answer, cwd=tmp_path)
    assert baked.returncode == 1
    assert said in baked.stdout + baked.stderr
    assert not list(tmp_path.iterdir())


def test_answers_typed_at_the_prompts_are_kept_or_refused(tmp_path: Path) -> None:
    """There cookiecutter renders nothing: braces reach the hook as they were typed."""
    kept = run_cookiecutter(str(ROOT), cwd=tmp_path, stdin=f"{HOSTILE}\nshop\n\nWe & you\n1\n2\n3\n")
    assert kept.returncode == 0, kept.stderr
    assert (tmp_path / "shop" / "main").is_dir()
    assert not (tmp_path / "shop" / "main" / "controller" / "hello.py").exists()
    refused = run_cookiecutter(str(ROOT), cwd=tmp_path, stdin="\nstore\n\n{{ 7*7 }}\n\n\n\n")
    assert refused.returncode == 1
    assert refused.stderr.startswith("owner must be without braces")
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


def test_replayed_answers_are_kept_or_refused(tmp_path: Path) -> None:
    """A replay asks nothing, and is held to the same rules."""
    first = bake(tmp_path / "first", owner=HOSTILE)
    recorded = BUILD / "cookiecutter" / "replay_dir" / f"{ROOT.name}.json"
    answers = json.loads(recorded.read_text("utf-8"))
    replay = tmp_path / "replay.json"
    replay.write_text(json.dumps(answers), "utf-8")
    second = run_cookiecutter("--replay-file", str(replay), str(ROOT), cwd=tmp_path)
    assert second.returncode == 0, second.stderr
    assert contents(tmp_path / "my-service") == contents(first)
    answers["cookiecutter"] |= {"owner": "{{ 7*7 }}", "service_slug": "other"}
    replay.write_text(json.dumps(answers), "utf-8")
    refused = run_cookiecutter("--replay-file", str(replay), str(ROOT), cwd=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.startswith("owner must be without braces")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("bad", ["owner={", "service_slug=my-service/main"])
def test_a_refusal_leaves_what_was_there(tmp_path: Path, bad: str) -> None:
    """Also when the user allows cookiecutter to write over it."""
    project = bake(tmp_path)
    (project / "main" / "mine.py").write_text("mine = True\n")
    before = contents(tmp_path)
    refused = run_cookiecutter("--no-input", "--overwrite-if-exists", str(ROOT), bad, cwd=tmp_path)
    assert refused.returncode == 1
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Billing", "billing"),
        ("Foo -- Bar!", "foo-bar"),
        ("Счета за услуги", "scheta-za-uslugi"),
        ("請求", "qing-qiu"),
        (HOSTILE, "o-keefe-sohne-b"),
        (
            "A service whose name is longer than needed",
            "a-service-whose-name-is-longer-than-need",
        ),
    ],
)
def test_the_slug_follows_from_the_name(tmp_path: Path, name: str, slug: str) -> None:
    """In Latin letters, whatever the script of the name."""
    assert bake(tmp_path, service_name=name).name == slug


# What means something in Python, in a shell, in TOML, Markdown, HTML or a format string.
FRAGMENTS = (
    *("'", '"', '"""', "'''", "\\", "\\n", "\\u0041", "%s", "%(a)s", "$HOME", "#", ";", "é", "👍"),
    *("$(touch canary)", "`touch canary`", "; touch canary #", "';open('canary','w')#"),
    *("<b>", "&amp;", "&", "<!--", "*a*", "_b_", "~~c~~", "[d](e)", "|", "---", "===", "```"),
    *("# ", "- ", "+ ", "> ", "1. ", "2) "),
)
CHARACTERS = st.characters(exclude_categories=["C", "Z"], exclude_characters="{}") | st.just(" ")
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
# A label of the Dockerfile that is a text as it stands: no quote ends it, no variable is in it.
LABEL = re.compile(r"""(?<=image\.)(\w+)="((?:[^"\\$]|\\.)*)\"""")
# A bake is too slow to look for the smallest example: the first one found will do.
EXPLORE = settings(max_examples=50, deadline=None, phases=[Phase.reuse, Phase.generate])


def texts(longest: int) -> st.SearchStrategy[str]:
    """Return texts that are to be accepted."""
    pieces = st.lists(st.sampled_from(FRAGMENTS) | st.text(CHARACTERS, max_size=9), max_size=9)
    return pieces.map(lambda parts: "".join(parts)[:longest].strip()).filter(bool)


@pytest.mark.slow
@given(
    service_name=texts(60),
    description=texts(200),
    owner=texts(60),
    slug=st.from_regex(r"[a-z][a-z0-9-]{10,38}[a-z0-9]", fullmatch=True),
)
@EXPLORE
def test_an_accepted_answer_is_shown_and_never_run(
    baked: Bake, service_name: str, description: str, owner: str, slug: str
) -> None:
    """It stands in four files, each in the escapes of its format, and leaves no other trace."""
    with tempfile.TemporaryDirectory() as folder:
        texts = {"service_name": service_name, "description": description, "owner": owner}
        project = bake(Path(folder), service_slug=slug, **texts)
        assert list(Path(folder).iterdir()) == [Path(folder) / slug]
        held = contents(project)
    assert not Path("canary").exists()

    usual = contents(baked(service_slug="q" * 40))
    readme = MARKDOWN.render(held.pop("README.md").decode())
    defaults = tomllib.loads(held.pop("main/resources/defaults.toml").decode())
    dockerfile = held.pop("Dockerfile").decode()
    kept = yaml.safe_load(held.pop(".cookiecutterrc"))["default_context"]
    for path in ("README.md", "main/resources/defaults.toml", ".cookiecutterrc"):
        del usual[path]
    others = LABEL.sub("", usual.pop("Dockerfile").decode())
    assert LABEL.sub("", dockerfile) == others
    assert {path: held[path].replace(slug.encode(), b"q" * 40) for path in held} == usual

    information = defaults["API_SPEC_OPTIONS"]["info"]
    shown = defaults["API_TITLE"], information["description"], information["contact"]["name"]
    assert shown == (service_name, description, owner)
    assert {name: kept[name] for name in texts} == texts
    labels = {name: re.sub(r"\\(.)", r"\1", text) for name, text in LABEL.findall(dockerfile)}
    assert (labels["title"], labels["description"], labels["authors"]) == (slug, description, owner)
    assert f"<h1>{escapeHtml(service_name)}</h1>" in readme
    assert f"<p>{escapeHtml(description)}</p>" in readme
    assert escapeHtml(owner) in readme


@given(
    question=st.sampled_from(["service_name", "description", "owner"]),
    good=texts(40),
    bad=st.sampled_from(["{", "}", "{{", "{% if", "{#", "\n", "\r", "\t", "\0", "\x7f", "\x85"])
    | st.characters(categories=["Cc", "Cf", "Cs", "Co", "Zl", "Zp"]),
    at=st.integers(0, 40),
)
@EXPLORE
def test_one_bad_character_is_enough(question: str, good: str, bad: str, at: int) -> None:
    """Wherever it stands in an answer, nothing is made."""
    with tempfile.TemporaryDirectory() as folder:
        answer = f"{good[:at]}{bad}{good[at:]}x"
        # A template error is cookiecutter's own, from before the hook.
        with pytest.raises((CookiecutterException, TemplateError)):
            bake(Path(folder), **{"service_slug": "shop", question: f"x{answer}"})
        assert not list(Path(folder).iterdir())


@given(slug=st.text(max_size=50) | st.text(st.sampled_from("ab-./\\"), max_size=50))
@EXPLORE
def test_any_slug_makes_its_one_folder_or_none(slug: str) -> None:
    """No slug writes elsewhere."""
    with tempfile.TemporaryDirectory() as outer:
        inner = Path(outer) / "inner"
        try:
            bake(inner, service_slug=slug)
        except (CookiecutterException, TemplateError):
            assert list(Path(outer).rglob("*")) == [inner]
        else:
            assert list(inner.iterdir()) == [inner / slug]
            assert list(Path(outer).iterdir()) == [inner]


@pytest.mark.slow
def test_a_hostile_name_makes_a_service_like_any_other(installed: Bake) -> None:
    """It passes its own tests and checks, and presents itself by that name."""
    project = installed(service_name=HOSTILE, description=HOSTILE, owner=HOSTILE)
    run(project, "make", "test", "lint")
    shown = run(project, "python", "-c", PRESENTATION)
    assert json.loads(shown.splitlines()[-1]) == {
        "title": HOSTILE,
        "version": "0.1.0",
        "description": HOSTILE,
        "contact": {"name": HOSTILE},
    }


PRESENTATION = """
import json
from main import create_app
from harness.environment import run
from harness.project import BUILD, ROOT, bake, contents, run_cookiecutter
from harness.environment import run
from harness.project import BUILD, Bake, ROOT, bake, contents, run_cookiecutter
document = create_app().test_client().get("/docs/openapi.json").get_json()
print(json.dumps(document["info"]))
"""
