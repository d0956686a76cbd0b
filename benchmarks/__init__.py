"""What the template and its services cost, measured side by side: `make bench`."""

from dataclasses import dataclass
from statistics import median


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
            f"{self.what}: {ours:,.3g} {self.unit} against {theirs:,.3g} {self.unit} "
            f"({self.other}), ratio {ours / theirs:.2f}; goal: {self.goal}"
        )
