"""Answers for tests: a hostile text, refused answers, and random texts that must be accepted."""

from hypothesis import Phase, settings
from hypothesis import strategies as st

HOSTILE = r"""O'Keefe & "Söhne" \ <b>"""

_SLUG = "service_slug must have 2 to 40 characters of a-z, 0-9 and '-', begin with a letter"
_PRINTABLE = "must be one line of printable characters without spaces around it"
# Name of the case: the question, the answer and the beginning of the error message.
REFUSED = {
    "no name": ("service_name", "", "service_name must not be empty"),
    "blank": ("description", "   ", "description must not be empty"),
    "long name": ("service_name", "n" * 61, "service_name must have at most 60 characters"),
    "long description": ("description", "d" * 201, "description must have at most 200 characters"),
    "long owner": ("owner", "o" * 61, "owner must have at most 60 characters"),
    "newline": ("owner", "a\nb", f"owner {_PRINTABLE}"),
    "escape sequence": ("owner", "a\x1b[31mb", f"owner {_PRINTABLE}"),
    "right-to-left override": ("owner", "a\u202eb", f"owner {_PRINTABLE}"),
    "zero-width space": ("owner", "a\u200bb", f"owner {_PRINTABLE}"),
    "invalid UTF-8": ("owner", "a\udcffb", f"owner {_PRINTABLE}"),
    "leading blank": ("owner", " a", f"owner {_PRINTABLE}"),
    "brace": ("owner", "a } b", "owner must not contain braces"),
    "expression": ("owner", "{{ 7*7 }}", "owner must not contain braces"),
    "other answer": ("owner", "{{ cookiecutter.service_name }}", "owner must not contain braces"),
    "comment": ("service_name", "a{# b #}", "service_name must not contain braces"),
    "slug: empty": ("service_slug", "", _SLUG),
    "slug: one letter": ("service_slug", "a", _SLUG),
    "slug: too long": ("service_slug", "a" * 41, _SLUG),
    "slug: longer than a file name": ("service_slug", "a" * 3000, _SLUG),
    "slug: capitals": ("service_slug", "Billing", _SLUG),
    "slug: digit first": ("service_slug", "3d", _SLUG),
    "slug: hyphen first": ("service_slug", "-ab", _SLUG),
    "slug: hyphen last": ("service_slug", "ab-", _SLUG),
    "slug: blank": ("service_slug", "a b", _SLUG),
    "slug: underscore": ("service_slug", "a_b", _SLUG),
    "slug: not ASCII": ("service_slug", "zoë", _SLUG),
    "slug: invalid UTF-8": ("service_slug", "zo\udcff", _SLUG),
    "slug: newline": ("service_slug", "ab\n", _SLUG),
    "slug: subfolder": ("service_slug", "a/b/c", _SLUG),
    "slug: subfolder on Windows": ("service_slug", "a\\b", _SLUG),
    "slug: sibling folder": ("service_slug", "../ab", _SLUG),
    "slug: current folder": ("service_slug", ".", _SLUG),
    "slug: root folder": ("service_slug", "/", _SLUG),
    "slug: expression": ("service_slug", "{{ 7*7 }}", _SLUG),
    "slug: from a name without letters": ("service_name", "👍", _SLUG),
    **{
        f"slug: reserved name {name}": ("service_slug", name, f"service_slug must not be '{name}'")
        for name in ("con", "com1", "lpt9", "main", "test", "no", "null", "localhost")
    },
}

# Texts that mean something in Python, in a shell, in TOML, Markdown, HTML or a format string.
_FRAGMENTS = (
    *("'", '"', '"""', "'''", "\\", "\\n", "\\u0041", "%s", "%(a)s", "$HOME", "#", ";", "é", "👍"),
    *("$(touch canary)", "`touch canary`", "; touch canary #", "';open('canary','w')#"),
    *("<b>", "&amp;", "&", "<!--", "*a*", "_b_", "~~c~~", "[d](e)", "|", "---", "===", "```"),
    *("# ", "- ", "+ ", "> ", "1. ", "2) "),
)
_CHARACTERS = st.characters(exclude_categories=["C", "Z"], exclude_characters="{}") | st.just(" ")
# A bake takes a tenth of a second: report the first example that fails and do not shrink it.
EXPLORE = settings(max_examples=50, deadline=None, phases=[Phase.reuse, Phase.generate])


def accepted_texts(max_length: int) -> st.SearchStrategy[str]:
    """Return texts that every question but the slug must accept."""
    pieces = st.lists(st.sampled_from(_FRAGMENTS) | st.text(_CHARACTERS, max_size=9), max_size=9)
    return pieces.map(lambda parts: "".join(parts)[:max_length].strip()).filter(bool)
