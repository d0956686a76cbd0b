"""The table of attacks leads to their tests."""

import re

from harness.project import ROOT

TABLE = ROOT / "docs" / "attacks.md"


def test_the_table_and_the_tests_correspond() -> None:
    """Each linked file exists, and each file with attacks is linked."""
    links = re.findall(r"\]\(<?([^)>]+)>?\)", TABLE.read_text("utf-8"))
    linked = {(TABLE.parent / link).resolve() for link in links}
    assert not [path for path in linked if not path.is_file()]
    assert {*ROOT.glob("tests/live/attacks/test_*.py")} <= linked
