"""Decide whether a series of samples rises, by linear regression on its peaks.

Memory dips whenever a process is replaced, and climbs again. Unlike means, the peaks of longer
segments do not depend on where in this saw-tooth a segment begins.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, linear_regression

SEGMENTS = 8
# A series rises if its line gains more than this share of the mean from its start to its end,
MAX_GROWTH = 0.05
# and if its slope exceeds this number of standard errors. Noise does so once in 300 runs.
MIN_STANDARD_ERRORS = 4.0


@dataclass(frozen=True)
class Trend:
    """A regression line over `seconds`; `slope` and `standard_error` are per second."""

    mean: float
    slope: float
    standard_error: float
    seconds: float

    @property
    def growth(self) -> float:
        """Return the gain from start to end as a share of the mean."""
        return self.slope * self.seconds / self.mean

    @property
    def rises(self) -> bool:
        """Return whether chance and a saw-tooth do not explain the growth."""
        significant = self.slope > MIN_STANDARD_ERRORS * self.standard_error
        return self.growth > MAX_GROWTH and significant


def fit(values: Sequence[float], seconds: float) -> Trend:
    """Return the least-squares line through the peaks of samples taken evenly over `seconds`."""
    heights = _peaks(values)
    times = [seconds * (segment + 0.5) / SEGMENTS for segment in range(SEGMENTS)]
    slope, intercept = linear_regression(times, heights)
    squares = (
        (height - intercept - slope * at) ** 2 for at, height in zip(times, heights, strict=True)
    )
    spread = math.fsum((at - seconds / 2) ** 2 for at in times)
    standard_error = math.sqrt(math.fsum(squares) / (SEGMENTS - 2) / spread)
    return Trend(fmean(heights), slope, standard_error, seconds)


def _peaks(values: Sequence[float]) -> list[float]:
    """Return the highest value of each segment."""
    ends = [round(len(values) * segment / SEGMENTS) for segment in range(SEGMENTS + 1)]
    return [max(values[start:end]) for start, end in itertools.pairwise(ends)]
