"""Results of benchmarks: comparisons with a goal, and curves."""

from dataclasses import dataclass, field
from statistics import median
from typing import Protocol


class Goal(Protocol):
    """A goal for the medians of a comparison."""

    def is_met(self, ours: float, theirs: float) -> bool:
        """Return whether the medians meet the goal."""

    def describe(self, unit: str) -> str:
        """Return the goal as text."""


@dataclass(frozen=True)
class RatioAtMost:
    """The ratio of ours to theirs has an upper limit."""

    limit: float

    def is_met(self, ours: float, theirs: float) -> bool:
        """Return whether the ratio is within the limit."""
        return ours / theirs <= self.limit

    def describe(self, unit: str) -> str:
        """Return the goal as text."""
        return f"ratio at most {self.limit:.3g}"


@dataclass(frozen=True)
class RatioAtLeast:
    """The ratio of ours to theirs has a lower limit."""

    limit: float

    def is_met(self, ours: float, theirs: float) -> bool:
        """Return whether the ratio reaches the limit."""
        return ours / theirs >= self.limit

    def describe(self, unit: str) -> str:
        """Return the goal as text."""
        return f"ratio at least {self.limit:g}"


@dataclass(frozen=True)
class AtMost:
    """Our value has an upper limit, whatever theirs is."""

    limit: float

    def is_met(self, ours: float, theirs: float) -> bool:
        """Return whether our value is within the limit."""
        return ours <= self.limit

    def describe(self, unit: str) -> str:
        """Return the goal as text."""
        return f"at most {self.limit:g} {unit}"


@dataclass(frozen=True)
class DifferenceAtMost:
    """Our value exceeds theirs by at most the limit."""

    limit: float

    def is_met(self, ours: float, theirs: float) -> bool:
        """Return whether the difference is within the limit."""
        return ours - theirs <= self.limit

    def describe(self, unit: str) -> str:
        """Return the goal as text."""
        return f"at most {self.limit:g} {unit} more"


@dataclass(frozen=True)
class NoFailedRequest:
    """Every request succeeded; the benchmark raises an exception otherwise."""

    def is_met(self, ours: float, theirs: float) -> bool:
        """Return True, because a result exists."""
        return True

    def describe(self, unit: str) -> str:
        """Return the goal as text."""
        return "no failed request"


def figure(value: float) -> str:
    """Return a number with three significant digits."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


@dataclass(frozen=True)
class Row:
    """Two series of alternating measurements, of ours and of an alternative, and a goal."""

    HEAD = ("measurement", "ours", "alternative", "ratio", "goal", "met?")

    name: str
    unit: str
    ours: list[float]
    alternative: str
    theirs: list[float]
    goal: Goal | None = None

    def cells(self) -> list[str]:
        """Return the medians, their ratio, the goal, and whether it is met."""
        ours, theirs = median(self.ours), median(self.theirs)
        goal, met = "", ""
        if self.goal:
            goal = self.goal.describe(self.unit)
            met = "yes" if self.goal.is_met(ours, theirs) else "**no**"
        alternative = f"{figure(theirs)} {self.unit} ({self.alternative})"
        ratio = f"{ours / theirs:.2f}"
        return [self.name, f"{figure(ours)} {self.unit}", alternative, ratio, goal, met]

    def text(self) -> str:
        """Return the row as a line of text."""
        name, ours, alternative, ratio, goal, met = self.cells()
        verdict = f"; goal: {goal}; met: {met.strip('*')}" if goal else ""
        return f"{name}: {ours} against {alternative}, ratio {ratio}{verdict}"


@dataclass
class Curve:
    """How a measurement depends on a number: the median at each step, for each subject.

    `file` is the name of the chart in docs/, without its suffix.
    """

    file: str
    name: str
    unit: str
    by: str
    series: dict[str, dict[int, float]] = field(default_factory=dict)

    def add(self, subject: str, step: int, measured: list[float]) -> None:
        """Add the measurements of a subject at a step."""
        self.series.setdefault(subject, {})[step] = median(measured)

    def table(self) -> list[list[str]]:
        """Return the cells of a head line and of a line for each subject."""
        steps = sorted({step for points in self.series.values() for step in points})
        lines = [
            [subject, *(figure(points[step]) if step in points else "" for step in steps)]
            for subject, points in self.series.items()
        ]
        return [[f"{self.name}, {self.unit}, by {self.by}", *map(str, steps)], *lines]

    def text(self) -> str:
        """Return the curve as a Markdown table."""
        return markdown(self.table())


def markdown(lines: list[list[str]]) -> str:
    """Return a table; its first line is the head."""
    head, *others = lines
    rule = ["---"] * len(head)
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *others))
