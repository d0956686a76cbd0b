"""The README of the template is short, and what it refers to exists."""

import re

from harness.project import ROOT, Bake

MAX_LINES = 150
TEXT = (ROOT / "README.md").read_text("utf-8")


def test_it_is_short() -> None:
    """Somebody who compares templates reads it to its end."""
    assert TEXT.count("\n") <= MAX_LINES


def test_every_link_leads_to_a_file() -> None:
    """Each promise is linked to its proof."""
    links = re.findall(r"\]\(<?([^)>]+)>?\)", TEXT)
    assert len(links) > 20
    assert not [link for link in links if not (ROOT / link).exists()]


def test_the_code_is_that_of_the_sample(baked: Bake) -> None:
    """Each piece between blank lines and ellipses is in the file that is named above it."""
    (block,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    path = ""
    for piece in re.split(r"\n\n|^    \.\.\.\n|(?<=\.py)\n", block, flags=re.MULTILINE):
        code = piece.strip("\n")
        if code.startswith("# "):
            path = code.removeprefix("# ")
        else:
            assert code in (baked() / path).read_text("utf-8"), code
    assert path
