"""Whether a series of samples rises: a straight line through its peaks, and how sure that is.

Samples dip whenever a process is replaced, and climb again: what was there at most in each part
of the time tells more than the mean, and is the same for each tooth of a saw.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, linear_regression

PARTS = 8
# It rises if the line gains more than this part of the mean from its start to its end …
TOLERATED = 0.05
# … and by more standard errors than noise has once in three hundred runs.
SURE = 4.0


@dataclass(frozen=True)
class Trend:
    """The line: its mean, its slope a second and that one's standard error, and its length."""

    mean: float
    slope: float
    error: float
    seconds: float

    @property
    def growth(self) -> float:
        """Return what is gained from the start to the end, as a part of the mean."""
        return self.slope * self.seconds / self.mean

    @property
    def rises(self) -> bool:
        """Tell whether that is more than what chance and a saw-tooth explain."""
        return self.growth > TOLERATED and self.slope > SURE * self.error


def peaks(values: Sequence[float]) -> list[float]:
    """Return the highest value of each eighth."""
    ends = [round(len(values) * part / PARTS) for part in range(PARTS + 1)]
    return [max(values[start:end]) for start, end in itertools.pairwise(ends)]


def fit(values: Sequence[float], seconds: float) -> Trend:
    """Return the least squares' line through the peaks of what was sampled evenly for so long."""
    heights = peaks(values)
    times = [seconds * (part + 0.5) / PARTS for part in range(PARTS)]
    slope, start = linear_regression(times, heights)
    squares = (
        (height - start - slope * at) ** 2 for at, height in zip(times, heights, strict=True)
    )
    spread = math.fsum((at - seconds / 2) ** 2 for at in times)
    error = math.sqrt(math.fsum(squares) / (PARTS - 2) / spread)
    return Trend(fmean(heights), slope, error, seconds)
