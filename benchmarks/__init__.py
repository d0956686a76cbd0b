"""What the template and its services cost, measured side by side: `make bench`."""

from dataclasses import dataclass, field
from statistics import median


def figure(value: float) -> str:
    """Return a number with three digits that count."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


@dataclass(frozen=True)
class Row:
    """Two series of measurements taken in turns, and what was hoped for."""

    what: str
    unit: str
    ours: list[float]
    other: str
    theirs: list[float]
    goal: str

    def line(self) -> str:
        """Return the row as text: both medians, their ratio, the goal."""
        ours, theirs = median(self.ours), median(self.theirs)
        return (
            f"{self.what}: {figure(ours)} {self.unit} against {figure(theirs)} {self.unit} "
            f"({self.other}), ratio {ours / theirs:.2f}; goal: {self.goal}"
        )

    def cells(self) -> list[str]:
        """Return the row as the cells of a table."""
        ours, theirs = median(self.ours), median(self.theirs)
        against = f"{figure(theirs)} {self.unit} ({self.other})"
        ratio = f"{ours / theirs:.2f}"
        return [self.what, f"{figure(ours)} {self.unit}", against, ratio, self.goal]


@dataclass
class Curve:
    """How something grows with something else: a median at each step, for each who takes part."""

    file: str
    what: str
    unit: str
    by: str
    series: dict[str, dict[int, float]] = field(default_factory=dict)

    def add(self, name: str, step: int, measured: list[float]) -> None:
        """Note what was measured at a step."""
        self.series.setdefault(name, {})[step] = median(measured)

    def table(self) -> list[list[str]]:
        """Return a head and a line for each who takes part, as cells."""
        steps = sorted({step for points in self.series.values() for step in points})
        lines = [
            [name, *(figure(points[step]) if step in points else "" for step in steps)]
            for name, points in self.series.items()
        ]
        return [[f"{self.what}, {self.unit}, by {self.by}", *map(str, steps)], *lines]
