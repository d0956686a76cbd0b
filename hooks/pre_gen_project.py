"""Refuse an answer that would break the project, and print the rule that it violates."""

import json
import re
import sys
from collections.abc import Iterator

# JSON in a raw string is Python before and after rendering: it holds no triple quote and,
# as the filter writes it, nothing but printable ASCII.
ANSWERS = json.loads(r"""{{ cookiecutter|tojson }}""")
# The same before cookiecutter rendered them: what comes from the command line or from a
# user's configuration is a Jinja template to it.
AS_GIVEN = json.loads(r"""{{ _cookiecutter|default({})|tojson }}""")

LONGEST = {"service_name": 60, "description": 200, "owner": 60}
SLUG = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]")
# Device names of Windows; words that YAML reads as a value, not as a name; names that mean
# something else where the project, its image or its container use the slug.
RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)),
}
RESERVED |= {"yes", "no", "on", "off", "true", "false", "null", "main", "test", "localhost"}


def objections() -> Iterator[str]:
    """Yield what is wrong with the answers, a sentence each."""
    for question, longest in LONGEST.items():
        answer = ANSWERS[question]
        if not isinstance(answer, str) or not answer.strip():
            yield f"{question} must not be empty."
        elif len(answer) > longest:
            yield f"{question} must have at most {longest} characters; got {len(answer)}."
        elif not answer.isprintable() or answer != answer.strip():
            yield f"{question} must be one line of printable characters without spaces around it."
        elif re.search("[{}]", answer + str(AS_GIVEN.get(question, ""))):
            yield f"{question} must not contain braces, which cookiecutter reads as code."
    slug = ANSWERS["service_slug"]
    if not SLUG.fullmatch(slug):
        yield (
            "service_slug must have 2 to 40 characters of a-z, 0-9 and '-', "
            "begin with a letter and not end with '-', for example 'billing-api'."
        )
    elif slug in RESERVED:
        yield (
            f"service_slug must not be '{slug}', which is a reserved name: "
            f"add a word to it, for example '{slug}-service'."
        )


sys.exit(next(objections(), None))
