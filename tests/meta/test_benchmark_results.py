"""Benchmark results show whether each goal is met."""

import re

import pytest

from benchmarks.results import (
    AtMost,
    Curve,
    DifferenceAtMost,
    Goal,
    NoFailedRequest,
    RatioAtLeast,
    RatioAtMost,
    Row,
)
from benchmarks.summary import END, MEASUREMENTS, README, RESULTS, START, summary


@pytest.mark.parametrize(
    ("goal", "text", "met", "missed"),
    [
        (RatioAtMost(1.15), "ratio at most 1.15", (115, 100), (116, 100)),
        (RatioAtLeast(0.8), "ratio at least 0.8", (80, 100), (79, 100)),
        (AtMost(130), "at most 130 ms", (130, 1), (131, 1000)),
        (DifferenceAtMost(5), "at most 5 ms more", (105, 100), (106, 100)),
    ],
    ids=["RatioAtMost", "RatioAtLeast", "AtMost", "DifferenceAtMost"],
)
def test_a_row_compares_the_medians_with_its_goal(
    goal: Goal, text: str, met: tuple[float, float], missed: tuple[float, float]
) -> None:
    """The limit itself meets the goal; outliers do not matter."""
    for (ours, theirs), verdict in ((met, "yes"), (missed, "**no**")):
        row = Row("call", "ms", [0, ours, 9999], "raw", [theirs, 9999, 0], goal)
        assert row.cells()[-2:] == [text, verdict]
        assert row.text().endswith(f"goal: {text}; met: {verdict.strip('*')}")


def test_a_row_exists_only_if_no_request_failed() -> None:
    """Its goal is therefore met."""
    row = Row("load", "requests/s", [1.0], "raw", [2.0], NoFailedRequest())
    assert row.cells()[-2:] == ["no failed request", "yes"]


def test_a_row_without_a_goal_has_no_verdict() -> None:
    """Both cells are empty."""
    row = Row("call", "ms", [1500.0], "raw", [2.0])
    assert row.cells() == ["call", "1,500 ms", "2 ms (raw)", "750.00", "", ""]
    assert "goal" not in row.text()


def test_a_curve_leaves_missing_points_empty() -> None:
    """Each subject has a line, each step a column."""
    curve = Curve("keys", "hit", "µs", "keys")
    curve.add("memory", 10, [3, 1, 2])
    curve.add("memory", 1, [1])
    curve.add("redis", 1, [100])
    assert curve.table() == [
        ["hit, µs, by keys", "1", "10"],
        ["memory", "1", "2"],
        ["redis", "100", ""],
    ]


def test_the_readme_repeats_rows_of_the_results() -> None:
    """`make bench` writes both."""
    table = summary(RESULTS.read_text("utf-8"))
    assert table.count("\n") > len(MEASUREMENTS)
    assert f"{START}{table}{END}" in README.read_text("utf-8")


def test_the_results_say_whether_each_goal_is_met() -> None:
    """And name the machine that they are from."""
    text = RESULTS.read_text("utf-8")
    head, _, rows = text.partition(f"| {' | '.join(Row.HEAD)} |\n")
    assert re.search(r"\d+ processors, .* GB of memory", head)
    cells = [line.split(" | ") for line in rows.partition("\n\n")[0].splitlines()[1:]]
    for *_, goal, met in cells:
        assert met.strip("| ") in ({"yes", "**no**"} if goal.strip() else {""}), (goal, met)
